// collectives/generators/bruck_alltoall.h: small parts travel together, in ceil(log2 p) rounds.
// Not here: long parts, which go straight to their ranks (pairwise_alltoall.h).
// Threads: pure function.  Limits: all parts are of one size; scratch for half the rounds' worth
// of the input.  Read next: bruck_alltoall.cc.
#pragma once

#include "collectives/schedule.h"
#include "collectives/schedule_params.h"

namespace hvd {

// Bruck et al., "Efficient algorithms for all-to-all communications" (1997). A rank sends half of
// what it has in each round, so log2 p / 2 times the bytes of pairwise, in log2 p messages instead
// of p - 1.
Schedule make_bruck_alltoall(const ScheduleParams& params);

}  // namespace hvd
