#include "collectives/generators/circulant_allgather.h"

#include "collectives/generators/circulant.h"

namespace hvd {

Schedule make_circulant_allgather(const ScheduleParams& params) {
  ScheduleBuilder builder(CollectiveKind::allgather, params);
  const int p = params.rank_count;
  const std::vector<Block> parts = blocks_of_counts(params.counts);
  const Block own = parts[params.rank.index()];
  const std::vector<CirculantRound> rounds = circulant_rounds(p);
  bool from_input = !params.in_place;
  const auto copy_own = [&] {
    if (from_input) {
      copy_block(builder, params, own.offset, Block{0, own.count});
    }
    from_input = false;
  };
  for (auto round = rounds.rbegin(); round != rounds.rend(); ++round) {
    const Rank from = rank_after(params.rank, round->hop, p);
    const Rank to = rank_after(params.rank, -round->hop, p);
    exchange_cyclic(
        params, cyclic_blocks(parts, params.rank, round->count),
        cyclic_blocks(parts, from, round->count),
        [&](Block chunk) {
          builder.send(to,
                       from_input ? at_input(chunk.offset - own.offset) : at_output(chunk.offset),
                       chunk.count);
        },
        [&](Block chunk) { builder.recv(from, at_output(chunk.offset), chunk.count); });
    copy_own();  // the first round sends nothing else: nobody waits for the copy
  }
  copy_own();
  return builder.take();
}

}  // namespace hvd
