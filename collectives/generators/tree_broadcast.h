// collectives/generators/tree_broadcast.h: down a tree, a chain or two trees, from any root.
// Not here: who is whose child (tree.h).
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
// A half down each of two trees: log p rounds for the first chunk, and nobody sends more than one
// vector.
Schedule make_double_tree_broadcast(const ScheduleParams& params);

}  // namespace hvd
