// collectives/generators/tree.h: parent and children of a rank in a tree, and the way to its root.
// Not here: what else travels along it (tree_allreduce.cc, tree_broadcast.cc).
// Threads: pure functions.  Limits: none.
// Read next: tree_broadcast.cc.
#pragma once

#include <vector>

#include "collectives/schedule_builder.h"
#include "core/vocabulary/rank.h"

namespace hvd {

struct TreePlace {
  Rank parent;                 // -1 at the root
  std::vector<Rank> children;  // the smallest subtree first
};

// A rank's subtree is it and the ranks that follow it (counted from the root, around the end).
TreePlace binomial_place(Rank rank, int rank_count, Rank root);
// Each rank has at most one child, the next rank.
TreePlace chain_place(Rank rank, int rank_count, Rank root);

// `count` elements on their way to the root: what lies at `mine` is combined with what each child
// sends, in the order of the children, into `to`, and goes to the parent. The root, which has none,
// combines for the last time with `root_flags`.
void combine_upwards(ScheduleBuilder& builder, const TreePlace& tree, Place mine, Place to,
                     std::uint64_t count, unsigned root_flags);

}  // namespace hvd
