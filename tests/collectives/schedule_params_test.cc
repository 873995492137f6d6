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
    CHECK(fault(CollectiveKind::allgather, params) ==
          "schedule parameters: 3 gather counts for 4 ranks");
    params.counts = {1, std::numeric_limits<std::uint64_t>::max(), 0, 0};
    CHECK(fault(CollectiveKind::allgather, params) ==
          "schedule parameters: the gather counts' sum does not fit in 64 bits");
  }
}

}  // namespace
}  // namespace hvd
