#include "collectives/generators/tree.h"

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
