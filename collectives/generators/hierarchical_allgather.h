// collectives/generators/hierarchical_allgather.h: parts go from host to host around a ring, and in
// each host through slots. Not here: one host (slots_allgather.h).
// Threads: pure function.  Limits: several hosts, of any sizes; ranks of a host share slots.
// Read next: hosts.h, ring_allgather.cc.
#pragma once

#include "collectives/schedule.h"
#include "collectives/schedule_params.h"

namespace hvd {

// Each host gets each part of others once, over as many edges as the host with the fewest ranks has
// ranks. A rank sends its own part itself; what comes from other hosts goes to its slots for the
// ranks beside it, and on to the next host, while the next chunk is under way.
Schedule make_hierarchical_allgather(const ScheduleParams& params);

}  // namespace hvd
