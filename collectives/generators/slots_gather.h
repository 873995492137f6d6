// collectives/generators/slots_gather.h: all put their parts into their slots, the root fetches
// them. Not here: several hosts (linear_gather.h). Threads: pure function.  Limits: all ranks share
// slots. Read next: slot_window.h.
#pragma once

#include "collectives/schedule.h"
#include "collectives/schedule_params.h"

namespace hvd {

// Round k is about chunk k of each part; parts may differ in size and be empty.
Schedule make_slots_gather(const ScheduleParams& params);

}  // namespace hvd
