// collectives/generators/recursive_doubling_allreduce.h: whole vectors are exchanged with ever
// farther ranks. Not here: long vectors (ring_allreduce.h). Threads: pure function.  Limits:
// parameters that check_params accepts. Read next: recursive_doubling_allreduce.cc, then
// ../verifier.h.
#pragma once

#include "collectives/schedule.h"
#include "collectives/schedule_params.h"

namespace hvd {

// ceil(log2 p) rounds, two more where p is no power of two. Every rank reduces everything itself,
// in the same order: the operands of the lower ranks are on the left.
Schedule make_recursive_doubling_allreduce(const ScheduleParams& params);

}  // namespace hvd
