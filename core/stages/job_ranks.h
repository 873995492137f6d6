// core/stages/job_ranks.h: how error texts name a rank: "rank 2 (host b, pid 4412)".
// Not here: how ranks found each other (backends/bootstrap).
// Threads: constant after construction.  Limits: none.
// Read next: root_negotiator.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/vocabulary/rank.h"

namespace hvd {

struct RankAddress {
  std::string host;
  std::int64_t pid = 0;
};

class JobRanks {
 public:
  JobRanks(Rank self, std::vector<RankAddress> addresses)
      : self_(self), addresses_(std::move(addresses)) {}

  Rank self() const { return self_; }
  int count() const { return static_cast<int>(addresses_.size()); }
  bool is_root() const { return self_ == kRoot; }
  std::string text(Rank rank) const;  // "rank 2 (host b, pid 4412)"

 private:
  Rank self_;
  std::vector<RankAddress> addresses_;
};

// "rank 2" or "ranks 0 1 3"; at most `named_max` numbers, then "and 5 more".
std::string ranks_text(const std::vector<Rank>& ranks, std::size_t named_max = 16);

}  // namespace hvd
