#include "collectives/generators/ring_allgather.h"

#include "collectives/generators/exchange.h"

namespace hvd {
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
    copy_block(builder, params, own.offset,
               Block{0, own.count});  // at the end: nobody waits for it
  }
  return builder.take();
}

}  // namespace hvd
