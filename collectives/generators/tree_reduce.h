// collectives/generators/tree_reduce.h: vectors go up a tree to the root and are combined on the
// way. Not here: everybody gets the result (tree_allreduce.h). Threads: pure functions.  Limits:
// parameters that check_params accepts. Read next: tree.h.
#pragma once

#include "collectives/schedule.h"
#include "collectives/schedule_params.h"

namespace hvd {

// Binomial: log p rounds, the root takes log p vectors. Chain: p - 1 rounds for the first chunk,
// but nobody takes or sends more than one vector.
Schedule make_tree_reduce(const ScheduleParams& params);
Schedule make_chain_reduce(const ScheduleParams& params);
// A half up each of two trees: log p rounds for the first chunk, and nobody takes or sends more
// than one vector.
Schedule make_double_tree_reduce(const ScheduleParams& params);

}  // namespace hvd
