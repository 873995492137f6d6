// collectives/generators/arena_allreduce.h: tensors that all ranks see are combined where they lie.
// Not here: private tensors (one_shot_allreduce.h, two_shot_allreduce.h).
// Threads: pure function.  Limits: all ranks share memory, and inputs and outputs lie in it.
// Read next: ../schedule.h.
#pragma once

#include "collectives/schedule.h"
#include "collectives/schedule_params.h"

namespace hvd {

// Every rank combines its share of all inputs and writes it to all outputs: 2 p n bytes for all
// ranks together, the least there is. With a prescale, which only copies apply, it is two-shot.
Schedule make_arena_allreduce(const ScheduleParams& params);

}  // namespace hvd
