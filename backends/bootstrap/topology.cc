#include "backends/bootstrap/topology.h"

#include <cstddef>
#include <map>
#include <string_view>

namespace hvd {
namespace {

Status check_one(const Identity& said, std::string_view what, int said_value, int found_value) {
  if (said_value < 0 || said_value == found_value) {
    return ok_status();
  }
  return error(StatusCode::invalid_argument, "rank ", said.rank, " was told ", what, " ",
               said_value, " (", said.source, ") but ", what, " ", found_value,
               " follows from the ranks that share its host; unset the variable, or check "
               "HVD_HOST_KEY and where the ranks run");
}

}  // namespace

std::vector<RankPlace> places_of(const std::vector<int>& host_of_rank) {
  std::vector<RankPlace> places(host_of_rank.size());
  std::map<int, int> rank_count_of_host;
  std::map<int, int> rank_count_of_local_rank;
  for (std::size_t rank = 0; rank < places.size(); ++rank) {
    places[rank].local_rank = rank_count_of_host[host_of_rank[rank]]++;
    places[rank].cross_rank = rank_count_of_local_rank[places[rank].local_rank]++;
  }
  for (std::size_t rank = 0; rank < places.size(); ++rank) {
    places[rank].local_size = rank_count_of_host[host_of_rank[rank]];
    places[rank].cross_size = rank_count_of_local_rank[places[rank].local_rank];
  }
  return places;
}

Status check_place(const Identity& said, const RankPlace& found) {
  HVD_TRY(check_one(said, "local rank", said.local_rank, found.local_rank));
  HVD_TRY(check_one(said, "local size", said.local_size, found.local_size));
  HVD_TRY(check_one(said, "cross rank", said.cross_rank, found.cross_rank));
  HVD_TRY(check_one(said, "cross size", said.cross_size, found.cross_size));
  return ok_status();
}

}  // namespace hvd
