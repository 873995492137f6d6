#include "collectives/generators/one_shot_allreduce.h"

#include "collectives/generators/slot_window.h"

namespace hvd {
namespace {

enum Flag : std::uint32_t { kPublished = 0, kTaken = 1 };

}  // namespace

Schedule make_one_shot_allreduce(const ScheduleParams& params) {
  ScheduleBuilder builder(CollectiveKind::allreduce, params);
  if (params.rank_count == 1) {
    copy_input_to_output(builder, params, pre_flag(params) | post_flag(params));
    return builder.take();
  }
  const SlotWindow window(params, params.element_count);
  builder.slot(window.slot_element_count(), slot_ranks_of(params));
  pass_through(
      window, window.chunk_count(),
      [&](std::uint64_t k) {
        const Block chunk = window.chunk(k);
        if (const std::uint32_t value = window.taken_before(k); value > 0) {
          builder.wait_all(kTaken, value);
        }
        builder.copy(at_slot(params.rank, window.offset(k)), at_input(chunk.offset), chunk.count,
                     pre_flag(params) | stream_flag(params));
        builder.post(kPublished, done_with(k));
      },
      [&](std::uint64_t k) {
        const Block chunk = window.chunk(k);
        builder.wait_all(kPublished, done_with(k));
        // With a prescale the own contribution is scaled in the own slot only.
        builder.reduce_slots(
            at_output(chunk.offset),
            params.prescale ? at_slot(params.rank, window.offset(k)) : at_input(chunk.offset),
            window.offset(k), chunk.count, post_flag(params));
        if (window.is_reused(k)) {
          builder.post(kTaken, done_with(k));
        }
      });
  return builder.take();
}

}  // namespace hvd
