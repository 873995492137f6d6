#include "collectives/generators/linear_gather.h"

#include "collectives/generators/exchange.h"

namespace hvd {

Schedule make_linear_gather(const ScheduleParams& params) {
  ScheduleBuilder builder(CollectiveKind::gather, params);
  const std::vector<Block> parts = blocks_of_counts(params.counts);
  const Block own{0, parts[params.rank.index()].count};
  if (params.rank == params.root) {
    each_chunk_in_turn(params, parts, [&](Rank from, Block chunk) {
      builder.recv(from, at_output(chunk.offset), chunk.count);
    });
    copy_block(builder, params, parts[params.rank.index()].offset, own);
    return builder.take();
  }
  for (std::uint64_t k = 0; k < chunk_count_of(own, params.chunk_element_count); ++k) {
    const Block chunk = chunk_of(own, params.chunk_element_count, k);
    builder.send(params.root, at_input(chunk.offset), chunk.count);
  }
  return builder.take();
}

}  // namespace hvd
