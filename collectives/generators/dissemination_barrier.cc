#include "collectives/generators/dissemination_barrier.h"

#include "collectives/schedule_builder.h"

namespace hvd {

Schedule make_dissemination_barrier(const ScheduleParams& params) {
  ScheduleBuilder builder(CollectiveKind::barrier, params);
  const int p = params.rank_count;
  for (int distance = 1; distance < p; distance *= 2) {
    builder.send(Rank{(params.rank.value + distance) % p}, Place{}, 0);
    builder.recv(Rank{(params.rank.value + p - distance) % p}, Place{}, 0);
  }
  return builder.take();
}

}  // namespace hvd
