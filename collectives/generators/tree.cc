#include "collectives/generators/tree.h"

#include <bit>

namespace hvd {

TreePlace binomial_place(Rank rank, int rank_count, Rank root) {
  const int place = (rank.value - root.value + rank_count) % rank_count;
  const auto rank_at = [&](int other) { return Rank{(other + root.value) % rank_count}; };
  TreePlace tree;
  for (int distance = 1; distance < rank_count; distance *= 2) {
    if ((place & distance) != 0) {
      tree.parent = rank_at(place - distance);
      break;
    }
    if (place + distance < rank_count) {
      tree.children.push_back(rank_at(place + distance));
    }
  }
  return tree;
}

TreePlace chain_place(Rank rank, int rank_count, Rank root) {
  const int place = (rank.value - root.value + rank_count) % rank_count;
  TreePlace tree;
  if (place > 0) {
    tree.parent = Rank{(rank.value + rank_count - 1) % rank_count};
  }
  if (place + 1 < rank_count) {
    tree.children.push_back(Rank{(rank.value + 1) % rank_count});
  }
  return tree;
}

// The ranks beside the root are nodes 1 to p - 1, in order from left to right: a node with n zero
// bits at the end is on level n, and the leaves are the odd ones. The second tree has them
// mirrored, which changes odd and even if their number is even, or else shifted by one.
TreePlace double_tree_place(Rank rank, int rank_count, Rank root, int which) {
  const int last = rank_count - 1;
  const int place = (rank.value - root.value + rank_count) % rank_count;
  const auto mirrored = [&](int node) { return last + 1 - node; };
  const auto rank_at = [&](int node) {
    int other = node;
    if (which != 0 && node != 0) {
      other = last % 2 == 0 ? mirrored(node) : (node + last - 2) % last + 1;
    }
    return Rank{(other + root.value) % rank_count};
  };
  TreePlace tree;
  if (place == 0) {
    if (last > 0) {
      tree.children.push_back(
          rank_at(static_cast<int>(std::bit_floor(static_cast<unsigned>(last)))));
    }
    return tree;
  }
  const int node = which == 0 ? place : last % 2 == 0 ? mirrored(place) : place % last + 1;
  const int level = node & -node;
  const int above = (node ^ level) | (level * 2);
  tree.parent = rank_at(above <= last ? above : node ^ level);
  int below = level / 2;
  while (below > 0 && node + below > last) {
    below /= 2;
  }
  if (below > 0) {
    tree.children.push_back(rank_at(node + below));
  }
  if (level > 1) {
    tree.children.push_back(rank_at(node - level / 2));
  }
  return tree;
}

std::vector<TreeFlow> one_flow(const TreePlace& tree, std::uint64_t element_count) {
  return {{tree, Block{0, element_count}, 0}};
}

std::vector<TreeFlow> double_tree_flows(const ScheduleParams& params, bool from_root) {
  const auto depth_most =
      static_cast<int>(std::bit_width(static_cast<unsigned>(params.rank_count - 1)));
  std::vector<TreeFlow> flows;
  for (const int which : {0, 1}) {
    const auto place_of = [&](Rank rank) {
      return double_tree_place(rank, params.rank_count, params.root, which);
    };
    int depth = 0;
    for (Rank at = params.rank; at != params.root; at = place_of(at).parent) {
      ++depth;
    }
    flows.push_back({place_of(params.rank), even_block(params.element_count, 2, which),
                     static_cast<std::uint64_t>(from_root ? depth : depth_most - depth)});
  }
  return flows;
}

void combine_upwards(ScheduleBuilder& builder, const TreePlace& tree, Place mine, Place to,
                     std::uint64_t count, unsigned root_flags) {
  const bool is_root = tree.parent.value < 0;
  for (const Rank child : tree.children) {
    const bool last = child == tree.children.back();
    builder.recv_reduce(child, to, mine, count, is_root && last ? root_flags : 0U);
    mine = to;
  }
  if (!is_root) {
    builder.send(tree.parent, mine, count);
  }
}

}  // namespace hvd
