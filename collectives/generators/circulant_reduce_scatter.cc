#include "collectives/generators/circulant_reduce_scatter.h"

#include "collectives/generators/circulant.h"

namespace hvd {
namespace {

class CirculantReduceScatter {
 public:
  explicit CirculantReduceScatter(const ScheduleParams& params)
      : params_(params),
        parts_(blocks_of_counts(params.counts)),
        own_(parts_[params.rank.index()]),
        rounds_(circulant_rounds(params.rank_count)),
        builder_(CollectiveKind::reduce_scatter, params) {}

  Schedule make() {
    const int p = params_.rank_count;
    if (p == 1) {
      copy_block(builder_, params_, 0, own_, pre_flag(params_) | post_flag(params_));
      return builder_.take();
    }
    // What is combined lies in scratch, the own part first: all parts where they are scaled, else
    // those that the first round leaves.
    const int held = params_.prescale ? p : rounds_.front().hop;
    const CyclicBlocks in_scratch = cyclic_blocks(parts_, params_.rank, held);
    builder_.scratch(in_scratch.first.count + in_scratch.second.count);
    if (params_.prescale) {
      copy_to_scratch(params_.rank, p);
    }
    for (std::size_t i = 0; i < rounds_.size(); ++i) {
      combine(i);
    }
    return builder_.take();
  }

 private:
  void combine(std::size_t i) {
    const CirculantRound round = rounds_[i];
    const int p = params_.rank_count;
    const Rank to = rank_after(params_.rank, round.hop, p);
    const Rank from = rank_after(params_.rank, -round.hop, p);
    const bool is_last = i + 1 == rounds_.size();
    const bool from_input = i == 0 && !params_.prescale;
    const auto mine = [&](Block chunk) {
      return from_input ? at_input(chunk.offset) : scratch_of(chunk);
    };
    exchange_cyclic(
        params_, cyclic_blocks(parts_, to, round.count),
        cyclic_blocks(parts_, params_.rank, round.count),
        [&](Block chunk) { builder_.send(to, mine(chunk), chunk.count); },
        [&](Block chunk) {
          builder_.recv_reduce(
              from, is_last ? at_output(chunk.offset - own_.offset) : scratch_of(chunk),
              mine(chunk), chunk.count, kReverseOperands | (is_last ? post_flag(params_) : 0U));
        });
    // Of an odd number of parts the middle one comes from nobody.
    if (from_input && !is_last && round.count < round.hop) {
      copy_to_scratch(rank_after(params_.rank, round.count, p), round.hop - round.count);
    }
  }

  Place scratch_of(Block chunk) const {
    return at_scratch(chunk.offset >= own_.offset ? chunk.offset - own_.offset
                                                  : chunk.offset + element_count() - own_.offset);
  }
  std::uint64_t element_count() const { return parts_.back().offset + parts_.back().count; }

  void copy_to_scratch(Rank first, int count) {
    const CyclicBlocks blocks = cyclic_blocks(parts_, first, count);
    const std::uint64_t chunk = params_.chunk_element_count;
    for (std::uint64_t k = 0; k < blocks.chunk_count(chunk); ++k) {
      const Block part = blocks.chunk(chunk, k);
      builder_.copy(scratch_of(part), at_input(part.offset), part.count, pre_flag(params_));
    }
  }

  const ScheduleParams& params_;
  const std::vector<Block> parts_;
  const Block own_;
  const std::vector<CirculantRound> rounds_;
  ScheduleBuilder builder_;
};

}  // namespace

Schedule make_circulant_reduce_scatter(const ScheduleParams& params) {
  return CirculantReduceScatter(params).make();
}

}  // namespace hvd
