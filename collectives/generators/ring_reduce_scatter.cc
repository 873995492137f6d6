#include "collectives/generators/ring_reduce_scatter.h"

#include "collectives/generators/exchange.h"

namespace hvd {
namespace {

class RingReduceScatter {
 public:
  explicit RingReduceScatter(const ScheduleParams& params)
      : params_(params),
        blocks_(blocks_of_counts(params.counts)),
        builder_(CollectiveKind::reduce_scatter, params) {}

  Schedule make() {
    const int p = params_.rank_count;
    if (p == 1) {
      copy_block(builder_, params_, 0, blocks_[0], pre_flag(params_) | post_flag(params_));
      return builder_.take();
    }
    std::uint64_t longest = 0;
    for (const Block& block : blocks_) {
      longest = std::max(longest, block.count);
    }
    builder_.scratch(longest);
    // walk_ring ends a combination at the rank before the block's number.
    std::vector<Block> shifted = blocks_;
    std::rotate(shifted.begin(), shifted.end() - 1, shifted.end());
    walk_ring(
        params_, shifted, p - 1, [&](int step, Block chunk) { send(step, chunk); },
        [&](int step, Block chunk) { receive(step, chunk); });
    return builder_.take();
  }

 private:
  // The part that a step's block is, from the end of the walk: rank r's part comes home at p - 2.
  Block block_of(int step, int lag) const {
    const int p = params_.rank_count;
    return blocks_[static_cast<std::size_t>((params_.rank.value - step - lag - 1 + 2 * p) % p)];
  }

  void send(int step, Block chunk) {
    const std::uint64_t at = chunk.offset - block_of(step, 0).offset;
    const bool scales = step == 0 && params_.prescale;
    if (scales) {
      builder_.copy(at_scratch(at), at_input(chunk.offset), chunk.count, kScalePre);
    }
    builder_.send(right(), step == 0 && !scales ? at_input(chunk.offset) : at_scratch(at),
                  chunk.count);
  }

  void receive(int step, Block chunk) {
    const std::uint64_t at = chunk.offset - block_of(step, 1).offset;
    const bool final = step == params_.rank_count - 2;
    const Place to = final ? at_output(at) : at_scratch(at);
    Place mine = at_input(chunk.offset);
    if (params_.prescale) {
      builder_.copy(to, mine, chunk.count, kScalePre);
      mine = to;
    }
    builder_.recv_reduce(left(), to, mine, chunk.count,
                         kReverseOperands | (final ? post_flag(params_) : 0U));
  }

  Rank right() const { return Rank{(params_.rank.value + 1) % params_.rank_count}; }
  Rank left() const {
    return Rank{(params_.rank.value + params_.rank_count - 1) % params_.rank_count};
  }

  const ScheduleParams& params_;
  const std::vector<Block> blocks_;
  ScheduleBuilder builder_;
};

}  // namespace

Schedule make_ring_reduce_scatter(const ScheduleParams& params) {
  return RingReduceScatter(params).make();
}

}  // namespace hvd
