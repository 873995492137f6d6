// collectives/generators/hierarchical_reduce_scatter.h: each host combines what it has for a part,
// and sends it to the part's rank. Not here: one host (slots_reduce_scatter.h).
// Threads: pure function.  Limits: several hosts, of any sizes; ranks of a host share slots.
// Read next: hosts.h, slots_reduce_scatter.cc.
#pragma once

#include "collectives/schedule.h"
#include "collectives/schedule_params.h"

namespace hvd {

// A host sends each part of other hosts once, combined, straight to its rank. Its ranks share that
// work: the parts of one host after the other, and beside those of the next host its own.
Schedule make_hierarchical_reduce_scatter(const ScheduleParams& params);

}  // namespace hvd
