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

Rank Hosts::leader(int host, Rank root) const {
  return host == host_of(root) ? root : ranks[static_cast<std::size_t>(host)].front();
}

TreePlace Hosts::tree(Rank root, std::uint64_t chunk_count) const {
  const bool is_long = chunk_count > static_cast<std::uint64_t>(count());
  const auto place_in = is_long && count() > 2 ? chain_place : binomial_place;
  TreePlace of_hosts = place_in(Rank{mine}, count(), Rank{host_of(root)});
  const auto leader_at = [&](Rank host) {
    return host.value < 0 ? host : leader(host.value, root);
  };
  TreePlace tree{leader_at(of_hosts.parent), {}};
  for (const Rank child : of_hosts.children) {
    tree.children.push_back(leader_at(child));
  }
  return tree;
}

}  // namespace hvd
