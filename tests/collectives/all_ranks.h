// tests/collectives/all_ranks.h: the schedules of all ranks from one generator.
// Not here: for which parameters (generator_cases.h).
// Threads: pure functions.  Limits: none.
// Read next: generator_cases.h.
#pragma once

#include <vector>

#include "collectives/schedule.h"
#include "collectives/schedule_params.h"

namespace hvd {

using Generator = Schedule (*)(const ScheduleParams&);

inline std::vector<Schedule> schedules_of_all_ranks(Generator generator, ScheduleParams params) {
  std::vector<Schedule> schedules;
  for (int rank = 0; rank < params.rank_count; ++rank) {
    params.rank = Rank{rank};
    schedules.push_back(generator(params));
  }
  return schedules;
}

}  // namespace hvd
