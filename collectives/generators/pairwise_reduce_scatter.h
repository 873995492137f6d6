// collectives/generators/pairwise_reduce_scatter.h: each rank gets its part of everybody and
// combines it. Not here: few partners (ring_reduce_scatter.h). Threads: pure function.  Limits:
// parameters that check_params accepts. Read next: exchange.h.
#pragma once

#include "collectives/schedule.h"
#include "collectives/schedule_params.h"

namespace hvd {

// p - 1 partners, several of them at a time; a rank sends (p - 1) / p of the vector, the least.
Schedule make_pairwise_reduce_scatter(const ScheduleParams& params);

}  // namespace hvd
