#include "collectives/generators/point_to_point.h"

#include "tests/catch.h"
#include "tests/collectives/generator_cases.h"

namespace hvd {
namespace {

// Who has no part in it says that it sends nothing.
std::vector<Schedule> pair_schedules(ScheduleParams params, Rank sender, Rank receiver) {
  std::vector<Schedule> schedules;
  const std::uint64_t element_count = params.element_count;
  for (int rank = 0; rank < params.rank_count; ++rank) {
    params.rank = Rank{rank};
    params.element_count = params.rank == sender || params.rank == receiver ? element_count : 0;
    params.peer = params.rank == sender ? receiver : sender;
    schedules.push_back(params.rank == receiver ? make_recv(params) : make_send(params));
  }
  return schedules;
}

TEST_CASE("what one rank sends another receives, whatever the sizes", "[point_to_point]") {
  ScheduleParams params;
  params.rank_count = 4;
  for (params.element_count = 0; params.element_count < 20; ++params.element_count) {
    for (const std::uint64_t chunk : {1, 3, 50}) {
      params.chunk_element_count = chunk;
      const VerifierReport report = verify_schedules(pair_schedules(params, Rank{2}, Rank{1}), 1);
      INFO(report.status.message());
      CHECK(report.ok());
    }
  }
}

}  // namespace
}  // namespace hvd
