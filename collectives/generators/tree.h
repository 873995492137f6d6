// collectives/generators/tree.h: parent and children of a rank in a tree, and the way to its root.
// Not here: what else travels along it (tree_allreduce.cc, tree_broadcast.cc).
// Threads: pure functions.  Limits: none.
// Read next: tree_broadcast.cc.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "collectives/generators/blocks.h"
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
// One of two trees of at most two children, `which` being 0 or 1: but for one rank, who has
// children in one has none in the other, so that with half a vector in each everybody sends as much
// as he takes. The root has one child in each. After Sanders, Speck and Träff, "Two-tree algorithms
// for full bandwidth broadcast, reduction and scan" (2009).
TreePlace double_tree_place(Rank rank, int rank_count, Rank root, int which);

// What travels along one tree: the vector, or half of it along each of two.
struct TreeFlow {
  TreePlace tree;
  Block part;
  std::uint64_t lag = 0;  // turns after the first at which its first chunk passes here
};
std::vector<TreeFlow> one_flow(const TreePlace& tree, std::uint64_t element_count);
// Both halves, from the root or to it.
std::vector<TreeFlow> double_tree_flows(const ScheduleParams& params, bool from_root);

// Chunk k of a flow in turn k + lag. A rank is rarely as far from the root in one tree as in the
// other: if it took chunk k of both in one turn, those below it would wait for the later of the
// two, and those below them for the later of these, so that a turn would take as long as a chunk
// all the way down. No deadlock, with one slot an edge: what is received in a turn was sent in the
// one before, and what is sent waits for what the next rank receives in the same turn of the same
// tree.
template <typename Emit>
void pass_in_turns(const std::vector<TreeFlow>& flows, std::uint64_t chunk_elements, Emit emit) {
  std::uint64_t turn_count = 0;
  for (const TreeFlow& flow : flows) {
    turn_count = std::max(turn_count, flow.lag + chunk_count_of(flow.part, chunk_elements));
  }
  for (std::uint64_t turn = 0; turn < turn_count; ++turn) {
    for (const TreeFlow& flow : flows) {
      if (turn < flow.lag) {
        continue;
      }
      if (const Block chunk = chunk_of(flow.part, chunk_elements, turn - flow.lag);
          chunk.count > 0) {
        emit(flow.tree, chunk);
      }
    }
  }
}

// `count` elements on their way to the root: what lies at `mine` is combined with what each child
// sends, in the order of the children, into `to`, and goes to the parent. The root, which has none,
// combines for the last time with `root_flags`.
void combine_upwards(ScheduleBuilder& builder, const TreePlace& tree, Place mine, Place to,
                     std::uint64_t count, unsigned root_flags);

}  // namespace hvd
