#include "collectives/schedule_params.h"

#include <limits>

#include "tests/catch.h"

namespace hvd {
namespace {

std::string fault(CollectiveKind kind, const ScheduleParams& params) {
  return check_params(kind, params).message();
}

TEST_CASE("parameters that no generator can serve are refused with the reason",
          "[schedule_params]") {
  ScheduleParams params;
  params.rank_count = 4;
  REQUIRE(fault(CollectiveKind::allreduce, params).empty());
  SECTION("rank") {
    params.rank = Rank{4};
    CHECK(fault(CollectiveKind::allreduce, params) == "schedule parameters: rank 4 of 4");
  }
  SECTION("rank count") {
    params.rank_count = 0;
    CHECK(fault(CollectiveKind::allreduce, params) ==
          "schedule parameters: rank count 0, allowed is 1 to 16777216");
  }
  SECTION("root") {
    params.root = Rank{-1};
    CHECK(fault(CollectiveKind::broadcast, params) == "schedule parameters: root -1 of 4 ranks");
  }
  SECTION("chunk") {
    params.chunk_element_count = 0;
    CHECK(fault(CollectiveKind::allreduce, params) ==
          "schedule parameters: chunk of 0 elements, 2 sends ahead; both are at least 1");
  }
  SECTION("factors") {
    params.prescale = true;
    CHECK(fault(CollectiveKind::allreduce, params).empty());
    CHECK(fault(CollectiveKind::broadcast, params) ==
          "schedule parameters: scaling in broadcast; only a reduction scales");
  }
  SECTION("gather counts") {
    params.counts = {1, 2, 3};
    CHECK(fault(CollectiveKind::allgather, params) == "schedule parameters: 3 counts for 4 ranks");
    params.counts = {1, std::numeric_limits<std::uint64_t>::max(), 0, 0};
    CHECK(fault(CollectiveKind::allgather, params) ==
          "schedule parameters: the sum of the counts does not fit in 64 bits");
  }
}

TEST_CASE("what only some kinds have is checked for these", "[schedule_params]") {
  ScheduleParams params;
  params.rank_count = 2;
  params.counts = {3, 4};
  REQUIRE(fault(CollectiveKind::reduce_scatter, params).empty());
  CHECK(fault(CollectiveKind::alltoall, params) == "schedule parameters: 0 counts for 2 ranks");
  params.send_counts = {2, 1};
  CHECK(fault(CollectiveKind::alltoall, params) ==
        "schedule parameters: rank 0 sends itself 2 elements and takes 3");
  params.send_counts = {3, 1};
  CHECK(fault(CollectiveKind::alltoall, params).empty());
  CHECK(fault(CollectiveKind::send, params) ==
        "schedule parameters: rank 0 of 2 has rank -1 as its peer");
  params.peer = Rank{0};
  CHECK_FALSE(fault(CollectiveKind::recv, params).empty());
  params.peer = Rank{1};
  CHECK(fault(CollectiveKind::recv, params).empty());
  params.host_of_rank = {0};
  CHECK(fault(CollectiveKind::recv, params) == "schedule parameters: hosts of 1 ranks for 2");
}

}  // namespace
}  // namespace hvd
