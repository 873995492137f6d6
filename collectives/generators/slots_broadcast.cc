#include "collectives/generators/slots_broadcast.h"

#include "collectives/generators/slot_window.h"

namespace hvd {
namespace {

enum Flag : std::uint32_t { kPublished = 0, kTaken = 1 };

void put_all(ScheduleBuilder& builder, const ScheduleParams& params, const SlotWindow& window) {
  for (std::uint64_t k = 0; k < window.chunk_count(); ++k) {
    if (const std::uint32_t value = window.taken_before(k); value > 0) {
      builder.wait_all(kTaken, value);
    }
    const Block chunk = window.chunk(k);
    builder.copy(at_slot(params.rank, window.offset(k)), at_input(chunk.offset), chunk.count,
                 stream_flag(params));
    builder.post(kPublished, done_with(k));
  }
}

void take_all(ScheduleBuilder& builder, const ScheduleParams& params, const SlotWindow& window) {
  for (std::uint64_t k = 0; k < window.chunk_count(); ++k) {
    const Block chunk = window.chunk(k);
    builder.wait(params.root, kPublished, done_with(k));
    builder.copy(at_output(chunk.offset), at_slot(params.root, window.offset(k)), chunk.count);
    if (window.is_reused(k)) {
      builder.post(kTaken, done_with(k));
    }
  }
}

}  // namespace

Schedule make_slots_broadcast(const ScheduleParams& params) {
  ScheduleBuilder builder(CollectiveKind::broadcast, params);
  const bool is_root = params.rank == params.root;
  if (params.rank_count > 1) {
    const SlotWindow window(params, params.element_count);
    builder.slot(window.slot_element_count(), slot_ranks_of(params));
    is_root ? put_all(builder, params, window) : take_all(builder, params, window);
  }
  if (is_root) {
    copy_input_to_output(builder, params, 0);  // at the end: nobody waits for it
  }
  return builder.take();
}

}  // namespace hvd
