#include "collectives/verifier/report.h"

#include "collectives/generators/tree_broadcast.h"
#include "tests/catch.h"
#include "tests/collectives/all_ranks.h"

namespace hvd {
namespace {

TEST_CASE("a report names collective, rank, op, elements, fault and rule", "[report]") {
  ScheduleParams params;
  params.rank_count = 2;
  params.element_count = 4;
  params.chunk_element_count = 4;
  const std::vector<Schedule> schedules = schedules_of_all_ranks(make_tree_broadcast, params);
  const VerifierReport report =
      fault_report(schedules, VerifierRule::defined_read, {1, 0, 2, 4}, "so it is");
  CHECK(report.status.message() ==
        "schedule of broadcast on 2 ranks: rank 1, op 0 'recv <0 out[0:4]', elements 2 to 3: so it "
        "is. broken rule: nothing is read that nobody wrote");
  CHECK(report.rule == VerifierRule::defined_read);
  CHECK(report.rank == Rank{1});
  CHECK(report.op_index == 0);
  const VerifierReport whole =
      fault_report(schedules, VerifierRule::post_condition, {0, VerifierReport::npos, 0, 0}, "x");
  CHECK(whole.status.message().find("rank 0: x. broken rule") != std::string::npos);
}

}  // namespace
}  // namespace hvd
