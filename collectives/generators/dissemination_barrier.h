// collectives/generators/dissemination_barrier.h: after ceil(log2 p) rounds of empty chunks all
// know of all. Not here: the barrier of negotiation; that is core's. Threads: pure function.
// Limits: parameters that check_params accepts. Read next: dissemination_barrier.cc, then
// ../verifier.h.
#pragma once

#include "collectives/schedule.h"
#include "collectives/schedule_params.h"

namespace hvd {

// Round d: a signal to rank + 2^d, one from rank - 2^d (Hensgen, Finkel, Manber 1988).
Schedule make_dissemination_barrier(const ScheduleParams& params);

}  // namespace hvd
