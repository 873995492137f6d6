// collectives/generators/two_shot_reduce.h: every rank combines its share, then the root collects.
// Not here: short vectors and two ranks (slots_reduce.h).
// Threads: pure function.  Limits: all ranks share slots.
// Read next: two_shot_allreduce.h.
#pragma once

#include "collectives/schedule.h"
#include "collectives/schedule_params.h"

namespace hvd {

// All ranks combine at the same time; the root copies p - 1 shares.
Schedule make_two_shot_reduce(const ScheduleParams& params);

}  // namespace hvd
