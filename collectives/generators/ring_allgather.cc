#include "collectives/generators/ring_allgather.h"

#include "collectives/generators/exchange.h"

namespace hvd {
namespace {

void copy_own_block(ScheduleBuilder& builder, const ScheduleParams& params, Block own) {
  for (std::uint64_t k = 0; k < chunk_count_of(own, params.chunk_element_count); ++k) {
    const Block chunk = chunk_of(own, params.chunk_element_count, k);
    builder.copy(at_output(chunk.offset), at_input(chunk.offset - own.offset), chunk.count);
  }
}

}  // namespace

Schedule make_ring_allgather(const ScheduleParams& params) {
  ScheduleBuilder builder(CollectiveKind::allgather, params);
  const int p = params.rank_count;
  const std::vector<Block> blocks = blocks_of_counts(params.counts);
  const Block own = blocks[params.rank.index()];
  const Rank right{(params.rank.value + 1) % p};
  const Rank left{(params.rank.value + p - 1) % p};
  walk_ring(
      params, blocks, p - 1,
      [&](int step, Block chunk) {
        const bool from_input = step == 0 && !params.in_place;
        builder.send(right,
                     from_input ? at_input(chunk.offset - own.offset) : at_output(chunk.offset),
                     chunk.count);
      },
      [&](int, Block chunk) { builder.recv(left, at_output(chunk.offset), chunk.count); });
  if (!params.in_place) {
    copy_own_block(builder, params, own);  // at the end: nobody waits for it
  }
  return builder.take();
}

}  // namespace hvd
