#include "collectives/generators/circulant_allreduce.h"

#include "collectives/generators/circulant.h"

namespace hvd {
namespace {

class CirculantAllreduce {
 public:
  explicit CirculantAllreduce(const ScheduleParams& params)
      : params_(params),
        blocks_(even_blocks(params.element_count, params.rank_count)),
        rounds_(circulant_rounds(params.rank_count)),
        builder_(CollectiveKind::allreduce, params) {}

  Schedule make() {
    if (params_.prescale) {
      copy_input_to_output(builder_, params_, kScalePre);
      mine_ = BufferKind::output;
    }
    for (std::size_t i = 0; i < rounds_.size(); ++i) {
      combine(rounds_[i], i + 1 == rounds_.size());
    }
    round_to_wire(builder_, params_, blocks_[params_.rank.index()]);
    for (auto round = rounds_.rbegin(); round != rounds_.rend(); ++round) {
      collect(*round);
    }
    return builder_.take();
  }

 private:
  Rank at_distance(int distance) const {
    return rank_after(params_.rank, distance, params_.rank_count);
  }
  CyclicBlocks blocks(Rank from, int count) const { return cyclic_blocks(blocks_, from, count); }

  void combine(CirculantRound round, bool is_last) {
    const BufferKind mine = mine_;
    exchange_cyclic(
        params_, blocks(at_distance(round.hop), round.count), blocks(params_.rank, round.count),
        [&](Block chunk) {
          builder_.send(at_distance(round.hop), {mine, chunk.offset, {}}, chunk.count);
        },
        [&](Block chunk) {
          builder_.recv_reduce(at_distance(-round.hop), at_output(chunk.offset),
                               {mine, chunk.offset, {}}, chunk.count,
                               kReverseOperands | (is_last ? post_flag(params_) : 0U));
        });
    // Of an odd number of blocks the middle one comes from nobody.
    if (mine == BufferKind::input && !params_.in_place && !is_last && round.count < round.hop) {
      const CyclicBlocks middle = blocks(at_distance(round.count), round.hop - round.count);
      copy_block(builder_, params_, middle.first.offset, middle.first);
      copy_block(builder_, params_, middle.second.offset, middle.second);
    }
    mine_ = BufferKind::output;
  }

  void collect(CirculantRound round) {
    exchange_cyclic(
        params_, blocks(params_.rank, round.count), blocks(at_distance(round.hop), round.count),
        [&](Block chunk) {
          builder_.send(at_distance(-round.hop), at_output(chunk.offset), chunk.count);
        },
        [&](Block chunk) {
          builder_.recv(at_distance(round.hop), at_output(chunk.offset), chunk.count);
        });
  }

  const ScheduleParams& params_;
  const std::vector<Block> blocks_;
  const std::vector<CirculantRound> rounds_;
  ScheduleBuilder builder_;
  BufferKind mine_ = BufferKind::input;  // where this rank's value of the moment lies
};

}  // namespace

Schedule make_circulant_allreduce(const ScheduleParams& params) {
  if (params.rank_count > 1) {
    return CirculantAllreduce(params).make();
  }
  ScheduleBuilder builder(CollectiveKind::allreduce, params);
  copy_input_to_output(builder, params, pre_flag(params) | post_flag(params));
  return builder.take();
}

}  // namespace hvd
