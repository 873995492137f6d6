// collectives/generators/tree.h: parent and children of a rank in a tree.
// Not here: what travels along it (tree_allreduce.cc, tree_broadcast.cc).
// Threads: pure functions.  Limits: none.
// Read next: tree_broadcast.cc.
#pragma once

#include <vector>

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

}  // namespace hvd
