#include "collectives/generators/halving_doubling_allreduce.h"

#include "collectives/generators/exchange.h"
#include "collectives/generators/fold.h"

namespace hvd {
namespace {

class HalvingDoubling {
 public:
  explicit HalvingDoubling(const ScheduleParams& params)
      : params_(params),
        fold_(params.rank_count),
        all_{0, params.element_count},
        player_(fold_.player_of(params.rank.value)),
        builder_(CollectiveKind::allreduce, params) {}

  Schedule make() {
    if (params_.prescale) {
      copy_input_to_output(builder_, params_, kScalePre);
      mine_ = BufferKind::output;
    }
    const int rank = params_.rank.value;
    if (!fold_.plays(rank)) {
      exchange(Rank{rank + 1}, all_, Block{}, false, 0);
      exchange(Rank{rank + 1}, Block{}, all_, false, 0);
      return builder_.take();
    }
    if (fold_.folded(rank)) {
      exchange(Rank{rank - 1}, Block{}, all_, true, 0);
    }
    halve();
    round_to_wire(builder_, params_, blocks(player_, 1));
    double_up();
    if (fold_.folded(rank)) {
      exchange(Rank{rank - 1}, all_, Block{}, false, 0);
    }
    return builder_.take();
  }

 private:
  // The elements of `count` players' blocks, from one player's on.
  Block blocks(int first, int count) const {
    const Block begin = even_block(params_.element_count, fold_.player_count, first);
    const Block last = even_block(params_.element_count, fold_.player_count, first + count - 1);
    return Block{begin.offset, last.offset + last.count - begin.offset};
  }

  void halve() {
    for (int distance = fold_.player_count / 2; distance > 0; distance /= 2) {
      const int partner = player_ ^ distance;
      const bool final = distance == 1;
      exchange(fold_.rank_of(partner), blocks(partner / distance * distance, distance),
               blocks(player_ / distance * distance, distance), true,
               final ? post_flag(params_) : 0U);
    }
  }

  void double_up() {
    for (int distance = 1; distance < fold_.player_count; distance *= 2) {
      const int partner = player_ ^ distance;
      exchange(fold_.rank_of(partner), blocks(player_ / distance * distance, distance),
               blocks(partner / distance * distance, distance), false, 0);
    }
  }

  void exchange(Rank with, Block sent, Block received, bool reduces, unsigned flags) {
    const std::uint64_t chunk = params_.chunk_element_count;
    const BufferKind mine = mine_;
    exchange_in_turn(
        std::max(chunk_count_of(sent, chunk), chunk_count_of(received, chunk)),
        static_cast<std::uint64_t>(params_.send_ahead),
        [&](std::uint64_t turn) {
          if (const Block part = chunk_of(sent, chunk, turn); part.count > 0) {
            builder_.send(with, {mine, part.offset, {}}, part.count);
          }
        },
        [&](std::uint64_t turn) {
          const Block part = chunk_of(received, chunk, turn);
          if (part.count == 0) {
            return;
          }
          if (!reduces) {
            builder_.recv(with, at_output(part.offset), part.count);
            return;
          }
          const unsigned order = with < params_.rank ? unsigned{kReverseOperands} : 0U;
          builder_.recv_reduce(with, at_output(part.offset), {mine, part.offset, {}}, part.count,
                               order | flags);
        });
    mine_ = reduces ? BufferKind::output : mine_;
  }

  const ScheduleParams& params_;
  const Fold fold_;
  const Block all_;
  const int player_;
  ScheduleBuilder builder_;
  BufferKind mine_ = BufferKind::input;  // where this rank's value of the moment lies
};

}  // namespace

Schedule make_halving_doubling_allreduce(const ScheduleParams& params) {
  if (params.rank_count > 1) {
    return HalvingDoubling(params).make();
  }
  ScheduleBuilder builder(CollectiveKind::allreduce, params);
  copy_input_to_output(builder, params, pre_flag(params) | post_flag(params));
  return builder.take();
}

}  // namespace hvd
