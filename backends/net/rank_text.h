// backends/net/rank_text.h: a list of ranks in words, for error texts.
// Not here: who they are (bootstrap/rank_record.h).
// Threads: pure.  Limits: kRanksNamedMax are named, the others are counted.
// Read next: control_star.h.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/base/str.h"

namespace hvd {

inline constexpr std::size_t kRanksNamedMax = 16;

// "rank 2", "ranks 2 3", "ranks 0 1 ... 15 and 48 more"
inline std::string ranks_text(const std::vector<int>& ranks) {
  std::string text = ranks.size() == 1 ? "rank" : "ranks";
  for (std::size_t i = 0; i < ranks.size() && i < kRanksNamedMax; ++i) {
    text += str(" ", ranks[i]);
  }
  if (ranks.size() > kRanksNamedMax) {
    text += str(" and ", ranks.size() - kRanksNamedMax, " more");
  }
  return text;
}

}  // namespace hvd
