// collectives/generators/linear_scatter.h: the root sends each rank its part.
// Not here: fewer messages at the root.
// Threads: pure function.  Limits: parameters that check_params accepts.
// Read next: linear_gather.h.
#pragma once

#include "collectives/schedule.h"
#include "collectives/schedule_params.h"

namespace hvd {

// The root sends chunk by chunk to all in turn. Parts may differ in size and be empty.
Schedule make_linear_scatter(const ScheduleParams& params);

}  // namespace hvd
