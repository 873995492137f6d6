// collectives/generators/hierarchical_broadcast.h: between hosts down a tree or a chain, in each
// host through slots. Not here: one host (slots_broadcast.h). Threads: pure function.  Limits:
// several hosts, of any sizes; ranks of a host share slots. Read next: hosts.h.
#pragma once

#include "collectives/schedule.h"
#include "collectives/schedule_params.h"

namespace hvd {

// Each host gets the vector once. Its first rank, or the root on its own host, passes chunks on to
// other hosts before it puts them into its slots.
Schedule make_hierarchical_broadcast(const ScheduleParams& params);

}  // namespace hvd
