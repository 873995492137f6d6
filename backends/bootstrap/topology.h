// backends/bootstrap/topology.h: local and cross ranks from which ranks share a host.
// Not here: proving who shares a host (backends/shm).
// Threads: pure.  Limits: none.
// Read next: identity.h.
#pragma once

#include <vector>

#include "backends/bootstrap/identity.h"
#include "core/base/status.h"

namespace hvd {

struct RankPlace {
  int local_rank = 0;  // among the ranks of its host, by rank
  int local_size = 1;
  int cross_rank = 0;  // among the ranks with this local rank, by rank
  int cross_size = 1;
  friend bool operator==(const RankPlace&, const RankPlace&) = default;
};

// host_of_rank[r] is any number that equals another rank's exactly if both share a host.
std::vector<RankPlace> places_of(const std::vector<int>& host_of_rank);

// What the environment or the options said (-1: nothing) against what was found.
Status check_place(const Identity& said, const RankPlace& found);

}  // namespace hvd
