// collectives/generators/slots_reduce.h: all put their vectors into slots, the root combines them.
// Not here: long vectors of many ranks (two_shot_reduce.h).
// Threads: pure function.  Limits: all ranks share slots.
// Read next: slot_window.h.
#pragma once

#include "collectives/schedule.h"
#include "collectives/schedule_params.h"

namespace hvd {

// Only the root combines: for few ranks.
Schedule make_slots_reduce(const ScheduleParams& params);

}  // namespace hvd
