#include "collectives/generators/hosts.h"

#include <algorithm>
#include <map>

namespace hvd {

Hosts::Hosts(const ScheduleParams& params) {
  std::map<int, std::size_t> places;
  for (int rank = 0; rank < params.rank_count; ++rank) {
    const int host = params.host_of_rank.empty() ? 0 : params.host_of_rank[Rank{rank}.index()];
    const std::size_t place = places.emplace(host, ranks.size()).first->second;
    if (place == ranks.size()) {
      ranks.emplace_back();
    }
    if (rank == params.rank.value) {
      mine = static_cast<int>(place);
      my_index = static_cast<int>(ranks[place].size());
    }
    ranks[place].push_back(Rank{rank});
  }
  fewest = params.rank_count;
  for (const std::vector<Rank>& of_host : ranks) {
    fewest = std::min(fewest, static_cast<int>(of_host.size()));
  }
}

std::vector<Rank> Hosts::peers_at(int index) const {
  std::vector<Rank> peers;
  for (const std::vector<Rank>& of_host : ranks) {
    peers.push_back(of_host[static_cast<std::size_t>(index)]);
  }
  return peers;
}

int Hosts::host_of(Rank rank) const {
  for (std::size_t host = 0; host < ranks.size(); ++host) {
    if (std::find(ranks[host].begin(), ranks[host].end(), rank) != ranks[host].end()) {
      return static_cast<int>(host);
    }
  }
  return -1;
}

}  // namespace hvd
