// collectives/generators/tree_broadcast.h: a binomial tree from any root.
// Not here: chains, which are better for very long vectors (not written yet).
// Threads: pure function.  Limits: parameters that check_params accepts.
// Read next: tree_broadcast.cc, then ../verifier.h.
#pragma once

#include "collectives/schedule.h"
#include "collectives/schedule_params.h"

namespace hvd {

// ceil(log2 p) rounds. Subtrees are served from the largest to the smallest, chunk by chunk.
Schedule make_tree_broadcast(const ScheduleParams& params);
// p - 1 rounds for the first chunk, but nobody sends more than one vector.
Schedule make_chain_broadcast(const ScheduleParams& params);

}  // namespace hvd
