// collectives/generators/hierarchical_barrier.h: each host gathers, one rank of each asks the
// others. Not here: one host (slots_barrier.h). Threads: pure function.  Limits: several hosts, of
// any sizes; ranks of a host share slots. Read next: hosts.h.
#pragma once

#include "collectives/schedule.h"
#include "collectives/schedule_params.h"

namespace hvd {

// 2 waits in the host and log2 of the number of hosts rounds between them.
Schedule make_hierarchical_barrier(const ScheduleParams& params);

}  // namespace hvd
