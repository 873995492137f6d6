// collectives/generators/fold.h: any number of ranks plays as a power of two.
// Not here: what the players do (recursive_doubling_allreduce.cc, halving_doubling_allreduce.cc).
// Threads: values.  Limits: none.
// Read next: recursive_doubling_allreduce.cc.
#pragma once

#include <bit>

#include "core/vocabulary/rank.h"

namespace hvd {

// Ranks 2 i and 2 i + 1 below 2 * folded_count count as one, played by 2 i + 1; so a player speaks
// for neighbouring ranks, and the order of players is the order of the ranks they speak for.
struct Fold {
  int player_count;
  int folded_count;
  explicit Fold(int rank_count)
      : player_count(static_cast<int>(std::bit_floor(static_cast<unsigned>(rank_count)))),
        folded_count(rank_count - player_count) {}

  bool folded(int rank) const { return rank < 2 * folded_count; }
  bool plays(int rank) const { return !folded(rank) || rank % 2 == 1; }
  int player_of(int rank) const { return folded(rank) ? rank / 2 : rank - folded_count; }
  Rank rank_of(int player) const {
    return Rank{player < folded_count ? 2 * player + 1 : player + folded_count};
  }
};

}  // namespace hvd
