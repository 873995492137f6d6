#include "collectives/generators/adasum_allreduce.h"

#include <algorithm>
#include <utility>

#include "collectives/generators/exchange.h"
#include "collectives/generators/fold.h"

namespace hvd {
namespace {

constexpr std::uint64_t kProducts = 0;  // the place of the one set of products at hand

// Two parts of which the first may be longer by one.
std::pair<Block, Block> halves(Block whole) {
  const std::uint64_t first = whole.count - whole.count / 2;
  return {{whole.offset, first}, {whole.offset + first, whole.count - first}};
}

class AdasumAllreduce {
 public:
  explicit AdasumAllreduce(const ScheduleParams& params)
      : params_(params),
        fold_(params.rank_count),
        player_(fold_.player_of(params.rank.value)),
        builder_(CollectiveKind::allreduce, params) {
    builder_.products(1);
  }

  Schedule make() {
    if (params_.element_count > 0) {
      run(Block{0, params_.element_count});
    }
    builder_.scratch(scratch_count_);
    return builder_.take();
  }

 private:
  void run(Block all) {
    if (params_.prescale) {
      copy_input_to_output(builder_, params_, kScalePre);
      mine_ = BufferKind::output;
    }
    const int rank = params_.rank.value;
    if (!fold_.plays(rank)) {
      exchange(Rank{rank + 1}, all, Block{}, Place{});
      exchange(Rank{rank + 1}, Block{}, all, at_output(0));
      return;
    }
    if (fold_.folded(rank)) {
      take_in(Rank{rank - 1}, Block{}, all, 0);
    }
    halve(all, 1);
    if (fold_.folded(rank)) {
      exchange(Rank{rank - 1}, all, Block{}, Place{});
    }
  }

  // `part` of the vectors of the players that are `distance` apart; in the end all of them have all
  // of the result's part.
  void halve(Block part, int distance) {
    if (distance == fold_.player_count) {
      return;
    }
    const int partner = player_ ^ distance;
    auto [own, other] = halves(part);
    if (player_ > partner) {
      std::swap(own, other);
    }
    take_in(fold_.rank_of(partner), other, own, distance);
    halve(own, 2 * distance);
    exchange(fold_.rank_of(partner), own, other, at_output(other.offset));
  }

  // Weighs `own` of this rank's vector with that of the other rank, whose vector 2 * distance
  // players have a part of; distance 0: this rank alone has all of it.
  void take_in(Rank with, Block sent, Block own, int distance) {
    // The first time the output is free, where it is not the input.
    const bool is_fresh = mine_ == BufferKind::input && !params_.in_place;
    const Place theirs = is_fresh ? at_output(own.offset) : at_scratch(0);
    const Place src = is_fresh ? at_input(own.offset) : theirs;
    scratch_count_ = std::max(scratch_count_, is_fresh ? 0 : own.count);
    exchange(with, sent, own, theirs);
    // The lower rank's on the left.
    const bool is_reversed = is_fresh == (params_.rank < with);
    const unsigned order = is_reversed ? unsigned{kReverseOperands} : 0U;
    builder_.dot(kProducts, at_output(own.offset), src, own.count, order);
    add_up_products(distance);
    if (own.count > 0) {
      const bool is_last = 2 * distance == fold_.player_count;
      builder_.weigh(kProducts, at_output(own.offset), src, own.count,
                     order | (is_last ? post_flag(params_) : 0U));
    }
    mine_ = BufferKind::output;
  }

  // Over all players that have a part; those of the lower ones on the left, so that all get the
  // same bits.
  void add_up_products(int distance_most) {
    for (int distance = 1; distance <= distance_most; distance *= 2) {
      const int partner = player_ ^ distance;
      const Rank with = fold_.rank_of(partner);
      builder_.send(with, at_products(kProducts), 1);
      builder_.recv_reduce(with, at_products(kProducts), at_products(kProducts), 1,
                           partner < player_ ? unsigned{kReverseOperands} : 0U);
    }
  }

  void exchange(Rank with, Block sent, Block received, Place to) {
    const std::uint64_t chunk = params_.chunk_element_count;
    exchange_in_turn(
        std::max(chunk_count_of(sent, chunk), chunk_count_of(received, chunk)),
        static_cast<std::uint64_t>(params_.send_ahead),
        [&](std::uint64_t turn) {
          if (const Block part = chunk_of(sent, chunk, turn); part.count > 0) {
            builder_.send(with, {mine_, part.offset, {}}, part.count);
          }
        },
        [&](std::uint64_t turn) {
          if (const Block part = chunk_of(received, chunk, turn); part.count > 0) {
            const std::uint64_t skip = part.offset - received.offset;
            builder_.recv(with, {to.buffer, to.offset + skip, {}}, part.count);
          }
        });
  }

  const ScheduleParams params_;
  const Fold fold_;
  const int player_;
  ScheduleBuilder builder_;
  BufferKind mine_ = BufferKind::input;  // where this rank's value of the moment lies
  std::uint64_t scratch_count_ = 0;
};

}  // namespace

Schedule make_adasum_allreduce(const ScheduleParams& params) {
  ScheduleParams wide = params;
  wide.narrow = false;
  if (params.rank_count > 1) {
    return AdasumAllreduce(wide).make();
  }
  ScheduleBuilder builder(CollectiveKind::allreduce, wide);
  builder.products(0);
  copy_input_to_output(builder, wide, pre_flag(wide) | post_flag(wide));
  return builder.take();
}

}  // namespace hvd
