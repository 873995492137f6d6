#include "tests/collectives/golden_schedules.h"

#include "collectives/generators/dissemination_barrier.h"
#include "collectives/generators/recursive_doubling_allreduce.h"
#include "collectives/generators/ring_allgather.h"
#include "collectives/generators/ring_allreduce.h"
#include "collectives/generators/tree_allreduce.h"
#include "collectives/generators/tree_broadcast.h"
#include "collectives/schedule_text.h"
#include "tests/collectives/all_ranks.h"

namespace hvd {
namespace {

std::string printed(Generator generator, const std::vector<ScheduleParams>& cases) {
  std::string text;
  for (const ScheduleParams& params : cases) {
    text += schedules_text(schedules_of_all_ranks(generator, params)) + "\n";
  }
  text.pop_back();
  return text;
}

ScheduleParams sized(int rank_count, std::uint64_t element_count, std::uint64_t chunk) {
  ScheduleParams params;
  params.rank_count = rank_count;
  params.element_count = element_count;
  params.chunk_element_count = chunk;
  return params;
}
ScheduleParams scaled(ScheduleParams params) {
  params.prescale = true;
  params.postscale = true;
  return params;
}
ScheduleParams in_place(ScheduleParams params) {
  params.in_place = true;
  return params;
}
ScheduleParams rooted(ScheduleParams params, int root) {
  params.root = Rank{root};
  return params;
}
ScheduleParams gathering(std::vector<std::uint64_t> counts, std::uint64_t chunk) {
  ScheduleParams params = sized(static_cast<int>(counts.size()), 0, chunk);
  params.counts = std::move(counts);
  return params;
}

}  // namespace

std::vector<GoldenFile> golden_schedules() {
  const std::vector<ScheduleParams> allreduces = {sized(1, 3, 2), sized(2, 5, 2),
                                                  in_place(sized(3, 8, 2)), scaled(sized(3, 2, 2)),
                                                  sized(4, 4, 1)};
  return {
      {"ring_allreduce.txt", printed(make_ring_allreduce, allreduces)},
      {"recursive_doubling_allreduce.txt", printed(make_recursive_doubling_allreduce, allreduces)},
      {"tree_allreduce.txt", printed(make_tree_allreduce, allreduces)},
      {"tree_broadcast.txt",
       printed(make_tree_broadcast, {sized(1, 3, 2), sized(2, 3, 2), rooted(sized(5, 2, 2), 3),
                                     in_place(rooted(sized(8, 3, 2), 1))})},
      {"ring_allgather.txt", printed(make_ring_allgather, {gathering({3}, 2), gathering({2, 3}, 2),
                                                           in_place(gathering({3, 0, 1}, 1))})},
      {"dissemination_barrier.txt",
       printed(make_dissemination_barrier, {sized(1, 0, 1), sized(2, 0, 1), sized(5, 0, 1)})},
  };
}

}  // namespace hvd
