#include "backends/engine/group_place.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"

namespace hvd {

GroupPlace make_group_place(std::uint64_t id, std::vector<Rank> members, Rank self,
                            std::span<const int> world_host_of_rank) {
  GroupPlace place;
  place.id = id;
  const auto own = std::find(members.begin(), members.end(), self);
  HVD_CHECK(own != members.end());  // pair: NativeDataPlane::start refuses the others
  place.rank = Rank{static_cast<int>(own - members.begin())};
  if (!world_host_of_rank.empty()) {
    for (const Rank member : members) {
      const int host = world_host_of_rank[member.index()];
      const auto first = std::find_if(members.begin(), members.end(), [&](Rank other) {
        return world_host_of_rank[other.index()] == host;
      });
      place.host_of_rank.push_back(static_cast<int>(first - members.begin()));
    }
  }
  const auto& hosts = place.host_of_rank;
  if (std::all_of(hosts.begin(), hosts.end(), [](int host) { return host == 0; })) {
    place.host_of_rank.clear();
  }
  place.members = std::move(members);
  return place;
}

}  // namespace hvd
