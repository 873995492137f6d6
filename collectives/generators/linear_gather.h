// collectives/generators/linear_gather.h: everybody sends his part to the root.
// Not here: fewer messages at the root.
// Threads: pure function.  Limits: parameters that check_params accepts.
// Read next: linear_scatter.h.
#pragma once

#include "collectives/schedule.h"
#include "collectives/schedule_params.h"

namespace hvd {

// The root takes chunk by chunk from all in turn. Parts may differ in size and be empty.
Schedule make_linear_gather(const ScheduleParams& params);

}  // namespace hvd
