// collectives/generators/hosts.h: which ranks are on which host.
// Not here: what they do (hierarchical_allreduce.cc and others).
// Threads: values.  Limits: ScheduleParams::host_of_rank as check_params accepts it.
// Read next: hierarchical_allreduce.cc.
#pragma once

#include <vector>

#include "collectives/generators/tree.h"
#include "collectives/schedule_params.h"

namespace hvd {

struct Hosts {
  explicit Hosts(const ScheduleParams& params);

  std::vector<std::vector<Rank>> ranks;  // of each host, in order; hosts by their lowest rank
  int mine = 0;                          // the host of params.rank
  int my_index = 0;                      // the place of params.rank among its host's ranks
  int fewest = 0;                        // ranks that every host has

  int count() const { return static_cast<int>(ranks.size()); }
  const std::vector<Rank>& local() const { return ranks[static_cast<std::size_t>(mine)]; }
  // The rank of each host that has this place among its ranks; below `fewest`.
  std::vector<Rank> peers_at(int index) const;
  // The host of a rank.
  int host_of(Rank rank) const;
  // The rank that speaks for a host where one rank is the root of all: the root for its own host,
  // the first one for others.
  Rank leader(int host, Rank root) const;
  // Leaders in a tree under the root, from the place of this rank's host: a binomial tree; or a
  // chain, in which nobody sends a chunk twice, for more chunks than hosts.
  TreePlace tree(Rank root, std::uint64_t chunk_count) const;
};

}  // namespace hvd
