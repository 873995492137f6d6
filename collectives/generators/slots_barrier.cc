#include "collectives/generators/slots_barrier.h"

#include "collectives/generators/slot_window.h"

namespace hvd {

Schedule make_slots_barrier(const ScheduleParams& params) {
  ScheduleBuilder builder(CollectiveKind::barrier, params);
  if (params.rank_count > 1) {
    builder.slot(0, slot_ranks_of(params)).post(0, 1).wait_all(0, 1);
  }
  return builder.take();
}

}  // namespace hvd
