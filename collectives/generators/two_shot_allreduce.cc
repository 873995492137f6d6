#include "collectives/generators/two_shot_allreduce.h"

#include "collectives/generators/slot_window.h"

namespace hvd {
namespace {

enum Flag : std::uint32_t { kPublished = 0, kSummed = 1, kTaken = 2 };

class TwoShot {
 public:
  explicit TwoShot(const ScheduleParams& params)
      : params_(params),
        window_(params, params.element_count),
        builder_(CollectiveKind::allreduce, params) {}

  Schedule make() {
    builder_.slot(window_.slot_element_count(), slot_ranks_of(params_));
    pass_through(
        window_, window_.chunk_count(), [&](std::uint64_t k) { publish(k); },
        [&](std::uint64_t k) {
          sum(k);
          collect(k);
        });
    return builder_.take();
  }

 private:
  // Relative to the chunk.
  Block share(std::uint64_t k, int index) const {
    return aligned_share(window_.chunk(k).count, params_.rank_count, index);
  }
  Place own_slot(std::uint64_t k, Block share) const {
    return at_slot(params_.rank, window_.offset(k) + share.offset);
  }
  void put(std::uint64_t k, Block part) {
    if (part.count > 0) {
      builder_.copy(own_slot(k, part), at_input(window_.chunk(k).offset + part.offset), part.count,
                    pre_flag(params_) | stream_flag(params_));
    }
  }

  // The others' shares: what lies before the own one, and behind it. With a prescale the own share
  // is scaled where its sum will be.
  void publish(std::uint64_t k) {
    if (const std::uint32_t value = window_.taken_before(k); value > 0) {
      builder_.wait_all(kTaken, value);
    }
    const Block chunk = window_.chunk(k);
    const Block own = share(k, params_.rank.value);
    put(k, Block{0, own.offset});
    put(k, Block{own.offset + own.count, chunk.count - own.offset - own.count});
    builder_.post(kPublished, done_with(k));
    if (params_.prescale && own.count > 0) {
      builder_.copy(at_output(chunk.offset + own.offset), at_input(chunk.offset + own.offset),
                    own.count, kScalePre);
    }
  }

  void sum(std::uint64_t k) {
    const Block own = share(k, params_.rank.value);
    builder_.wait_all(kPublished, done_with(k));
    if (own.count > 0) {
      const std::uint64_t at = window_.chunk(k).offset + own.offset;
      builder_.reduce_slots(at_output(at), params_.prescale ? at_output(at) : at_input(at),
                            window_.offset(k) + own.offset, own.count,
                            kToSlot | stream_flag(params_) | post_flag(params_));
    }
    builder_.post(kSummed, done_with(k));
  }

  // From the next rank on, so that not all read the same rank's slots at once.
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
  const SlotWindow window_;
  ScheduleBuilder builder_;
};

}  // namespace

Schedule make_two_shot_allreduce(const ScheduleParams& params) {
  if (params.rank_count > 1) {
    return TwoShot(params).make();
  }
  ScheduleBuilder builder(CollectiveKind::allreduce, params);
  copy_input_to_output(builder, params, pre_flag(params) | post_flag(params));
  return builder.take();
}

}  // namespace hvd
