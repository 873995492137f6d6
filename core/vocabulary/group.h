// core/vocabulary/group.h: some ranks of the job that have a collective to themselves.
// Not here: how users make and name them (process sets).
// Threads: values, constant once shared.  Limits: none.
// Read next: work_item.h.
#pragma once

#include <cstdint>
#include <vector>

#include "core/vocabulary/rank.h"

namespace hvd {

struct Group {
  std::uint64_t id = 0;       // equal on all its ranks, and of no other group; 0 is all ranks
  std::vector<Rank> members;  // in order; a rank's place here is its rank within the group
};

}  // namespace hvd
