// collectives/generators/hierarchical_reduce.h: combined in each host through slots, then between
// hosts along a tree or a chain. Not here: one host (slots_reduce.h, two_shot_reduce.h).
// Threads: pure function.  Limits: several hosts, of any sizes; ranks of a host share slots.
// Read next: hosts.h.
#pragma once

#include "collectives/schedule.h"
#include "collectives/schedule_params.h"

namespace hvd {

// Each host sends the vector once, however many ranks it has. Its first rank, or the root on its
// own host, combines chunks out of the others' slots and passes them on.
Schedule make_hierarchical_reduce(const ScheduleParams& params);

}  // namespace hvd
