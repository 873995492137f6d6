#include "collectives/generators/two_shot_reduce.h"

#include "collectives/generators/slot_window.h"

namespace hvd {
namespace {

enum Flag : std::uint32_t { kPublished = 0, kSummed = 1, kTaken = 2 };

class TwoShotReduce {
 public:
  explicit TwoShotReduce(const ScheduleParams& params)
      : params_(params),
        is_root_(params.rank == params.root),
        window_(params, params.element_count),
        builder_(CollectiveKind::reduce, params) {}

  Schedule make() {
    builder_.slot(window_.slot_element_count(), slot_ranks_of(params_));
    pass_through(
        window_, window_.chunk_count(), [&](std::uint64_t k) { publish(k); },
        [&](std::uint64_t k) {
          sum(k);
          if (is_root_) {
            collect(k);
          }
        });
    return builder_.take();
  }

 private:
  // Relative to the chunk.
  Block share(std::uint64_t k, int index) const {
    return aligned_share(window_.chunk(k).count, params_.rank_count, index);
  }
  Place own_slot(std::uint64_t k, Block part) const {
    return at_slot(params_.rank, window_.offset(k) + part.offset);
  }
  void put(std::uint64_t k, Block part) {
    if (part.count > 0) {
      builder_.copy(own_slot(k, part), at_input(window_.chunk(k).offset + part.offset), part.count,
                    pre_flag(params_) | stream_flag(params_));
    }
  }

  // The others' shares; with a prescale the own one too, as it is scaled there. Nobody but the root
  // needs to know when others have read: its collecting comes after all sums.
  void publish(std::uint64_t k) {
    if (const std::uint32_t value = window_.taken_before(k); value > 0) {
      if (is_root_) {
        builder_.wait_all(kSummed, value);
      } else {
        builder_.wait(params_.root, kTaken, value);
      }
    }
    const Block chunk = window_.chunk(k);
    const Block own = params_.prescale ? Block{} : share(k, params_.rank.value);
    put(k, Block{0, own.offset});
    put(k, Block{own.offset + own.count, chunk.count - own.offset - own.count});
    builder_.post(kPublished, done_with(k));
  }

  // The root's share goes to its output, the others' to where the root collects them.
  void sum(std::uint64_t k) {
    const Block own = share(k, params_.rank.value);
    builder_.wait_all(kPublished, done_with(k));
    if (own.count > 0) {
      const std::uint64_t at = window_.chunk(k).offset + own.offset;
      const Place mine = params_.prescale ? own_slot(k, own) : at_input(at);
      builder_.reduce_slots(is_root_ ? at_output(at) : own_slot(k, own), mine,
                            window_.offset(k) + own.offset, own.count,
                            post_flag(params_) | (is_root_ ? 0U : stream_flag(params_)));
    }
    builder_.post(kSummed, done_with(k));
  }

  void collect(std::uint64_t k) {
    builder_.wait_all(kSummed, done_with(k));
    for (int distance = 1; distance < params_.rank_count; ++distance) {
      const Rank other{(params_.rank.value + distance) % params_.rank_count};
      if (const Block part = share(k, other.value); part.count > 0) {
        builder_.copy(at_output(window_.chunk(k).offset + part.offset),
                      at_slot(other, window_.offset(k) + part.offset), part.count);
      }
    }
    if (window_.is_reused(k)) {
      builder_.post(kTaken, done_with(k));
    }
  }

  const ScheduleParams& params_;
  const bool is_root_;
  const SlotWindow window_;
  ScheduleBuilder builder_;
};

}  // namespace

Schedule make_two_shot_reduce(const ScheduleParams& params) {
  if (params.rank_count > 1) {
    return TwoShotReduce(params).make();
  }
  ScheduleBuilder builder(CollectiveKind::reduce, params);
  copy_input_to_output(builder, params, pre_flag(params) | post_flag(params));
  return builder.take();
}

}  // namespace hvd
