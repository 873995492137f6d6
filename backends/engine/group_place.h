// backends/engine/group_place.h: this rank's place in a group, and how many items it has started.
// Not here: what a group is (core/vocabulary/group.h).
// Threads: baton holder only.  Limits: none.
// Read next: native_data_plane.h.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "collectives/lane.h"
#include "core/base/status.h"
#include "core/vocabulary/group.h"
#include "core/vocabulary/rank.h"

namespace hvd {

struct GroupPlace {
  std::uint64_t id = 0;
  Rank rank;                      // within the group
  std::vector<Rank> members;      // world ranks
  std::vector<int> host_of_rank;  // as in ScheduleParams
  // Equal on all its ranks, so that they agree on the slot bank of each item.
  std::array<std::uint64_t, kLaneCount> started{};
};

// Ok, or what is wrong with a group that `self` is asked to work in: it has no ranks, a rank twice,
// one that the job does not have, or not `self`.
Status check_group(const Group& group, Rank self, int rank_count);

// `members` are in order and `self` is one of them. `world_host_of_rank` is by world rank; empty:
// one host.
GroupPlace make_group_place(std::uint64_t id, std::vector<Rank> members, Rank self,
                            std::span<const int> world_host_of_rank);

}  // namespace hvd
