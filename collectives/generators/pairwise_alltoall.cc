#include "collectives/generators/pairwise_alltoall.h"

#include "collectives/generators/exchange.h"

namespace hvd {

Schedule make_pairwise_alltoall(const ScheduleParams& params) {
  ScheduleBuilder builder(CollectiveKind::alltoall, params);
  const std::vector<Block> sent = blocks_of_counts(params.send_counts);
  const std::vector<Block> received = blocks_of_counts(params.counts);
  exchange_with_all(
      params, sent, received,
      [&](Rank to, Block chunk) { builder.send(to, at_input(chunk.offset), chunk.count); },
      [&](Rank from, Block chunk) { builder.recv(from, at_output(chunk.offset), chunk.count); });
  const std::size_t me = params.rank.index();
  copy_block(builder, params, received[me].offset, sent[me]);
  return builder.take();
}

}  // namespace hvd
