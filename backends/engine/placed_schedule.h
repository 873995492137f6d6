// backends/engine/placed_schedule.h: a Schedule with the world ranks that its ranks stand for.
// Not here: running it (execution.h), keeping it (schedule_cache.h).
// Threads: constant once made.  Limits: none.
// Read next: collectives/schedule.h.
#pragma once

#include <vector>

#include "collectives/schedule.h"

namespace hvd {

// A schedule speaks of ranks within its group; wires know world ranks.
struct PlacedSchedule {
  Schedule schedule;
  std::vector<Rank> members;     // by rank in the group
  std::vector<Rank> sharers;     // schedule.slot_ranks as world ranks
  bool reaches_tensors = false;  // of other ranks, in their arenas
};

}  // namespace hvd
