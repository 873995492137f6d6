// collectives/generators/tree_allreduce.h: a binomial tree reduces to rank 0, another one spreads
// the result. Not here: trees with two roots, which use both directions of a link (not written
// yet). Threads: pure function.  Limits: parameters that check_params accepts. Read next:
// tree_allreduce.cc, then ../verifier.h.
#pragma once

#include "collectives/schedule.h"
#include "collectives/schedule_params.h"

namespace hvd {

// 2 ceil(log2 p) rounds of latency, and a rank other than 0 talks to few others; rank 0 is the
// bottleneck of long vectors.
Schedule make_tree_allreduce(const ScheduleParams& params);

}  // namespace hvd
