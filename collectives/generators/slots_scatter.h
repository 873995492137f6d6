// collectives/generators/slots_scatter.h: the root puts each rank's part into a stripe of its
// slots; they fetch it. Not here: several hosts (linear_scatter.h). Threads: pure function. Limits:
// all ranks share slots. Read next: slot_window.h.
#pragma once

#include "collectives/schedule.h"
#include "collectives/schedule_params.h"

namespace hvd {

// Round k is about chunk k of each part; parts may differ in size and be empty.
Schedule make_slots_scatter(const ScheduleParams& params);

}  // namespace hvd
