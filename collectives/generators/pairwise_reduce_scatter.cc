#include "collectives/generators/pairwise_reduce_scatter.h"

#include "collectives/generators/exchange.h"

namespace hvd {
namespace {

class PairwiseReduceScatter {
 public:
  explicit PairwiseReduceScatter(const ScheduleParams& params)
      : params_(params),
        blocks_(blocks_of_counts(params.counts)),
        own_(blocks_[params.rank.index()]),
        last_(Rank{(params.rank.value + 1) % params.rank_count}),
        builder_(CollectiveKind::reduce_scatter, params) {}

  Schedule make() {
    if (params_.rank_count == 1) {
      copy_block(builder_, params_, 0, own_, pre_flag(params_) | post_flag(params_));
      return builder_.take();
    }
    if (params_.prescale) {
      copy_block(builder_, params_, 0, own_, kScalePre);
      builder_.scratch(params_.chunk_element_count);
    }
    // Everybody's share of the own part has its size.
    const std::vector<Block> received(blocks_.size(), Block{0, own_.count});
    exchange_with_all(
        params_, blocks_, received, [&](Rank to, Block chunk) { send(to, chunk); },
        [&](Rank from, Block chunk) { receive(from, chunk); });
    return builder_.take();
  }

 private:
  void send(Rank to, Block chunk) {
    if (params_.prescale) {
      builder_.copy(at_scratch(0), at_input(chunk.offset), chunk.count, kScalePre);
      builder_.send(to, at_scratch(0), chunk.count);
    } else {
      builder_.send(to, at_input(chunk.offset), chunk.count);
    }
  }

  // Partners come in the same order for each chunk: first the rank below, last the one above.
  void receive(Rank from, Block chunk) {
    const bool is_first =
        from.value == (params_.rank.value + params_.rank_count - 1) % params_.rank_count;
    const Place out = at_output(chunk.offset);
    const Place mine = is_first && !params_.prescale ? at_input(own_.offset + chunk.offset) : out;
    builder_.recv_reduce(from, out, mine, chunk.count,
                         kReverseOperands | (from == last_ ? post_flag(params_) : 0U));
  }

  const ScheduleParams& params_;
  const std::vector<Block> blocks_;
  const Block own_;
  const Rank last_;
  ScheduleBuilder builder_;
};

}  // namespace

Schedule make_pairwise_reduce_scatter(const ScheduleParams& params) {
  return PairwiseReduceScatter(params).make();
}

}  // namespace hvd
