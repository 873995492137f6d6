// collectives/generators/hierarchical_allreduce.h: inside each host through shared slots, between
// hosts over edges, many ranks of a host at the same time.
// Not here: one host (two_shot_allreduce.h).  Threads: pure function.
// Limits: several hosts, of any sizes; ranks of a host share slots.  Read next: hosts.h.
#pragma once

#include "collectives/schedule.h"
#include "collectives/schedule_params.h"

namespace hvd {

// A stretch of the vector is cut into pieces, one for each of the first ranks of a host, its
// owners. An owner combines its piece of what the host's ranks put into their slots, exchanges it
// with the owners of the same piece on other hosts, and puts the result into its slots for the
// others to collect. So each host sends and receives as little as if it were one rank, over as many
// edges as it has owners. While a stretch is under way between hosts the next is combined, and the
// one before is collected.
Schedule make_hierarchical_allreduce(const ScheduleParams& params);

}  // namespace hvd
