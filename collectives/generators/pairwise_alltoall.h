// collectives/generators/pairwise_alltoall.h: each part goes straight to its rank.
// Not here: long rows of tiny parts at large p.
// Threads: pure function.  Limits: parameters that check_params accepts.
// Read next: exchange.h.
#pragma once

#include "collectives/schedule.h"
#include "collectives/schedule_params.h"

namespace hvd {

// p - 1 partners, several of them at a time. Parts may differ in size and be empty.
Schedule make_pairwise_alltoall(const ScheduleParams& params);

}  // namespace hvd
