// collectives/generators/slots_allgather.h: everybody puts his part into his slots and copies out
// those of all. Not here: several hosts (ring_allgather.h). Threads: pure function.  Limits: all
// ranks share slots. Read next: slot_window.h.
#pragma once

#include "collectives/schedule.h"
#include "collectives/schedule_params.h"

namespace hvd {

// Round k is about chunk k of each part; parts may differ in size and be empty.
Schedule make_slots_allgather(const ScheduleParams& params);

}  // namespace hvd
