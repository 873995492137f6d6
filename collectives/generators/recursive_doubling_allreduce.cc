#include "collectives/generators/recursive_doubling_allreduce.h"

#include "collectives/generators/exchange.h"
#include "collectives/generators/fold.h"

namespace hvd {
namespace {

class RecursiveDoubling {
 public:
  explicit RecursiveDoubling(const ScheduleParams& params)
      : params_(params),
        all_{0, params.element_count},
        chunk_count_(chunk_count_of(all_, params.chunk_element_count)),
        builder_(CollectiveKind::allreduce, params) {}

  Schedule make() {
    if (params_.prescale) {
      copy_input_to_output(builder_, params_, kScalePre);
      mine_ = BufferKind::output;
    }
    const Fold fold(params_.rank_count);
    const int rank = params_.rank.value;
    if (!fold.plays(rank)) {
      send_all(Rank{rank + 1});
      receive_all(Rank{rank + 1});
      return builder_.take();
    }
    if (fold.folded(rank)) {
      reduce_all(Rank{rank - 1});
    }
    const int player = fold.player_of(rank);
    // The farthest first, so that the order of combining is that of halving and doubling.
    for (int distance = fold.player_count / 2; distance > 0; distance /= 2) {
      const bool final = distance == 1;
      exchange(fold.rank_of(player ^ distance), final ? post_flag(params_) : 0U);
    }
    if (fold.folded_count > 0) {
      round_to_wire(builder_, params_, all_);  // everywhere, as those who do not play get it so
    }
    if (fold.folded(rank)) {
      send_all(Rank{rank - 1});
    }
    return builder_.take();
  }

 private:
  Block chunk(std::uint64_t k) const { return chunk_of(all_, params_.chunk_element_count, k); }

  void send(Rank to, std::uint64_t k) {
    builder_.send(to, {mine_, chunk(k).offset, {}}, chunk(k).count);
  }
  void recv_reduce(Rank from, std::uint64_t k, unsigned flags) {
    const unsigned order = from < params_.rank ? unsigned{kReverseOperands} : 0U;
    builder_.recv_reduce(from, at_output(chunk(k).offset), {mine_, chunk(k).offset, {}},
                         chunk(k).count, order | flags);
  }
  void send_all(Rank to) {
    for (std::uint64_t k = 0; k < chunk_count_; ++k) {
      send(to, k);
    }
  }
  void receive_all(Rank from) {
    for (std::uint64_t k = 0; k < chunk_count_; ++k) {
      builder_.recv(from, at_output(chunk(k).offset), chunk(k).count);
    }
  }
  void reduce_all(Rank from) {
    for (std::uint64_t k = 0; k < chunk_count_; ++k) {
      recv_reduce(from, k, 0);
    }
    mine_ = BufferKind::output;
  }
  // A chunk is sent before it is reduced, so both sides send what they had before the round.
  void exchange(Rank with, unsigned flags) {
    const BufferKind mine = mine_;
    mine_ = params_.narrow ? BufferKind::output : mine_;
    exchange_in_turn(
        chunk_count_, static_cast<std::uint64_t>(params_.send_ahead),
        [&](std::uint64_t k) {
          if (params_.narrow) {  // both sides combine what the other got
            builder_.copy(at_output(chunk(k).offset), {mine, chunk(k).offset, {}}, chunk(k).count,
                          kNarrow);
          }
          send(with, k);
        },
        [&](std::uint64_t k) { recv_reduce(with, k, flags); });
    mine_ = BufferKind::output;
  }

  const ScheduleParams& params_;
  const Block all_;
  const std::uint64_t chunk_count_;
  ScheduleBuilder builder_;
  BufferKind mine_ = BufferKind::input;  // where this rank's value of the moment lies
};

}  // namespace

Schedule make_recursive_doubling_allreduce(const ScheduleParams& params) {
  if (params.rank_count > 1) {
    return RecursiveDoubling(params).make();
  }
  ScheduleBuilder builder(CollectiveKind::allreduce, params);
  copy_input_to_output(builder, params, pre_flag(params) | post_flag(params));
  return builder.take();
}

}  // namespace hvd
