#include "collectives/verifier/post_condition.h"

#include "collectives/generators/ring_allgather.h"
#include "collectives/generators/tree_broadcast.h"
#include "tests/catch.h"
#include "tests/collectives/all_ranks.h"

namespace hvd {
namespace {

VerifierReport outcome(const std::vector<Schedule>& schedules) {
  Execution execution(schedules, 2, Look::order_and_values);
  REQUIRE(execution.run().ok());
  return check_post_condition(schedules, execution);
}

TEST_CASE("a broadcast from another root than agreed is found", "[post_condition]") {
  ScheduleParams params;
  params.rank_count = 2;
  params.element_count = 3;
  params.chunk_element_count = 3;
  params.in_place = true;  // so that all ranks have something to send
  std::vector<Schedule> schedules = schedules_of_all_ranks(make_tree_broadcast, params);
  CHECK(outcome(schedules).ok());
  for (Schedule& schedule : schedules) {
    schedule.root = Rank{1};
  }
  const VerifierReport report = outcome(schedules);
  CHECK(report.rule == VerifierRule::post_condition);
  CHECK(report.status.message().find("holds elements of 0 from 0 on; it must hold those of 1") !=
        std::string::npos);
}

TEST_CASE("gathered parts must lie where their rank's counts say", "[post_condition]") {
  ScheduleParams params;
  params.rank_count = 3;
  params.counts = {2, 0, 3};
  params.chunk_element_count = 3;
  std::vector<Schedule> schedules = schedules_of_all_ranks(make_ring_allgather, params);
  CHECK(outcome(schedules).ok());
  Op& last = schedules[1].ops.back();
  REQUIRE(last.kind == OpKind::recv);
  last.dst_offset = last.dst_offset == 0 ? 1 : 0;
  const VerifierReport report = outcome(schedules);
  CHECK(report.rule == VerifierRule::post_condition);
  CHECK(report.rank == Rank{1});
}

TEST_CASE("an element that nobody wrote is found in the output", "[post_condition]") {
  ScheduleParams params;
  params.rank_count = 1;
  params.element_count = 3;
  params.chunk_element_count = 2;
  std::vector<Schedule> schedules = schedules_of_all_ranks(make_tree_broadcast, params);
  schedules[0].ops.pop_back();
  const VerifierReport report = outcome(schedules);
  CHECK(report.element_begin == 2);
  CHECK(report.element_end == 3);
}

}  // namespace
}  // namespace hvd
