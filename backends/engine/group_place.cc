#include "backends/engine/group_place.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"

namespace hvd {

Status check_group(const Group& group, Rank self, int rank_count) {
  std::string text;
  for (const Rank member : group.members) {
    text += str(text.empty() ? "" : " ", member);
  }
  const auto wrong = [&](const auto&... what) {
    return error(StatusCode::invalid_argument, "group ", group.id, " of ranks ",
                 text.empty() ? "none" : text, ": ", what...);
  };
  bool has_self = false;
  for (std::size_t i = 0; i < group.members.size(); ++i) {
    const Rank member = group.members[i];
    const auto begin = group.members.begin();
    if (member.value < 0 || member.value >= rank_count) {
      return wrong("rank ", member, " is not one of the ranks 0 to ", rank_count - 1);
    }
    if (std::find(begin, begin + static_cast<std::ptrdiff_t>(i), member) !=
        begin + static_cast<std::ptrdiff_t>(i)) {
      return wrong("rank ", member, " is there twice");
    }
    has_self = has_self || member == self;
  }
  return has_self ? ok_status()
                  : wrong("rank ", self, " is not in it, so it cannot take part in its operations");
}

GroupPlace make_group_place(std::uint64_t id, std::vector<Rank> members, Rank self,
                            std::span<const int> world_host_of_rank) {
  GroupPlace place;
  place.id = id;
  const auto own = std::find(members.begin(), members.end(), self);
  HVD_CHECK(own != members.end());  // pair: check_group, in NativeDataPlane::start
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
