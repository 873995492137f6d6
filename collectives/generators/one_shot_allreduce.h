// collectives/generators/one_shot_allreduce.h: every rank combines what all put into shared slots.
// Not here: long vectors of many ranks (two_shot_allreduce.h).
// Threads: pure function.  Limits: all ranks share slots. Read next: slot_window.h.
#pragma once

#include "collectives/schedule.h"
#include "collectives/schedule_params.h"

namespace hvd {

// One wait a chunk. All ranks together move p (p + 2) n bytes: the least for 2 ranks, and for
// vectors so short that a wait costs more than bytes.
Schedule make_one_shot_allreduce(const ScheduleParams& params);

}  // namespace hvd
