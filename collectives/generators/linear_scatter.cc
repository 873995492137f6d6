#include "collectives/generators/linear_scatter.h"

#include "collectives/generators/exchange.h"

namespace hvd {

Schedule make_linear_scatter(const ScheduleParams& params) {
  ScheduleBuilder builder(CollectiveKind::scatter, params);
  const std::vector<Block> parts = blocks_of_counts(params.counts);
  const Block own = parts[params.rank.index()];
  if (params.rank == params.root) {
    each_chunk_in_turn(params, parts, [&](Rank to, Block chunk) {
      builder.send(to, at_input(chunk.offset), chunk.count);
    });
    copy_block(builder, params, 0, own);
    return builder.take();
  }
  for (std::uint64_t k = 0; k < chunk_count_of(own, params.chunk_element_count); ++k) {
    const Block chunk = chunk_of({0, own.count}, params.chunk_element_count, k);
    builder.recv(params.root, at_output(chunk.offset), chunk.count);
  }
  return builder.take();
}

}  // namespace hvd
