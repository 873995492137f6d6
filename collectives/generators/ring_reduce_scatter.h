// collectives/generators/ring_reduce_scatter.h: parts go around the ring once and are combined on
// the way. Not here: all parts for all (ring_allreduce.h). Threads: pure function.  Limits:
// parameters that check_params accepts. Read next: exchange.h.
#pragma once

#include "collectives/schedule.h"
#include "collectives/schedule_params.h"

namespace hvd {

// Only neighbours talk. What is under way waits in scratch as long as the longest part.
Schedule make_ring_reduce_scatter(const ScheduleParams& params);

}  // namespace hvd
