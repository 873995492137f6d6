// collectives/generators/ring_allgather.h: every rank's part goes once around the ring.
// Not here: parts of equal size in log p rounds (not written yet).
// Threads: pure function.  Limits: parameters that check_params accepts.
// Read next: ring_allgather.cc, then ../verifier.h.
#pragma once

#include "collectives/schedule.h"
#include "collectives/schedule_params.h"

namespace hvd {

// p - 1 steps. Parts may differ in length and may be empty.
Schedule make_ring_allgather(const ScheduleParams& params);

}  // namespace hvd
