// collectives/generators/slots_broadcast.h: the root puts chunks into its slots, the others copy
// them out. Not here: several hosts. Threads: pure function.  Limits: all ranks share slots. Read
// next: slot_window.h.
#pragma once

#include "collectives/schedule.h"
#include "collectives/schedule_params.h"

namespace hvd {

// The root is as many chunks ahead as fit into its slots.
Schedule make_slots_broadcast(const ScheduleParams& params);

}  // namespace hvd
