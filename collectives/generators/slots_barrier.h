// collectives/generators/slots_barrier.h: everybody says that he is there and waits for all.
// Not here: barriers between hosts (dissemination_barrier.h).
// Threads: pure function.  Limits: all ranks share slots.
// Read next: ../schedule.h.
#pragma once

#include "collectives/schedule.h"
#include "collectives/schedule_params.h"

namespace hvd {

// One flag, no elements.
Schedule make_slots_barrier(const ScheduleParams& params);

}  // namespace hvd
