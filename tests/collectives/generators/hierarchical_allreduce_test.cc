#include "collectives/generators/hierarchical_allreduce.h"

#include "tests/catch.h"
#include "tests/collectives/generator_cases.h"

namespace hvd {
namespace {

TEST_CASE("hierarchical allreduce is proven for hosts of unequal sizes and slots of any size",
          "[hierarchical_allreduce]") {
  CHECK(verify_kind(CollectiveKind::allreduce, make_hierarchical_allreduce, Ground::hosts) > 5'000);
}

// Elements that a rank sends to other hosts.
std::uint64_t sent_count(const Schedule& schedule) {
  std::uint64_t count = 0;
  for (const Op& op : schedule.ops) {
    count += op.kind == OpKind::send ? op.count : 0;
  }
  return count;
}

TEST_CASE("hosts exchange as much as if each were one rank, over all their ranks",
          "[hierarchical_allreduce]") {
  ScheduleParams params;
  params.rank_count = 8;
  params.element_count = 64 << 10;
  params.chunk_element_count = 1024;
  params.slot_element_count = 128 << 10;
  params.host_of_rank = {0, 0, 1, 1, 2, 2, 3, 3};
  for (const Schedule& schedule : schedules_of_all_ranks(make_hierarchical_allreduce, params)) {
    CHECK(sent_count(schedule) == 64 * 1024 / 2 * 2 * 3 / 4);  // 2 (p - 1) / p of half the vector
  }
  params.rank_count = 4;
  params.host_of_rank = {0, 0, 1, 1};
  for (const Schedule& schedule : schedules_of_all_ranks(make_hierarchical_allreduce, params)) {
    CHECK(sent_count(schedule) == 64 * 1024 / 2);
  }
}

}  // namespace
}  // namespace hvd
