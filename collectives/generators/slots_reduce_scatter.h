// collectives/generators/slots_reduce_scatter.h: everybody puts the others' parts into his slots
// and combines his own. Not here: several hosts (pairwise_reduce_scatter.h). Threads: pure
// function.  Limits: all ranks share slots. Read next: slot_window.h.
#pragma once

#include "collectives/schedule.h"
#include "collectives/schedule_params.h"

namespace hvd {

// Round k is about chunk k of each part, each in a stripe; parts may differ in size and be empty.
Schedule make_slots_reduce_scatter(const ScheduleParams& params);

}  // namespace hvd
