// collectives/generators/point_to_point.h: one rank sends a vector to another.
// Not here: how the two found each other (core).
// Threads: pure functions.  Limits: parameters that check_params accepts.
// Read next: ../schedule_params.h.
#pragma once

#include "collectives/schedule.h"
#include "collectives/schedule_params.h"

namespace hvd {

// Only of params.rank and params.peer; the other ranks of the group have no part in it.
Schedule make_send(const ScheduleParams& params);
Schedule make_recv(const ScheduleParams& params);

}  // namespace hvd
