// collectives/generators/two_shot_allreduce.h: every rank combines its share, then all collect.
// Not here: short vectors and two ranks (one_shot_allreduce.h).
// Threads: pure function.  Limits: all ranks share slots. Read next: slot_window.h.
#pragma once

#include "collectives/schedule.h"
#include "collectives/schedule_params.h"

namespace hvd {

// Two waits a chunk. All ranks together move (5 p - 2) n bytes.
Schedule make_two_shot_allreduce(const ScheduleParams& params);

}  // namespace hvd
