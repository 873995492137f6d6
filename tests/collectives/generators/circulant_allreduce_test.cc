#include "collectives/generators/circulant_allreduce.h"

#include "tests/catch.h"
#include "tests/collectives/generator_cases.h"

namespace hvd {
namespace {

TEST_CASE("circulant allreduce is proven in place and out of place", "[circulant_allreduce]") {
  CHECK(verify_kind(CollectiveKind::allreduce, make_circulant_allreduce, Ground::edges) > 5'000);
}

TEST_CASE("circulant allreduce sends as little as a ring, for any number of ranks",
          "[circulant_allreduce]") {
  for (const int p : {2, 3, 5, 6, 7, 12, 96}) {
    ScheduleParams params;
    params.rank_count = p;
    params.element_count = 100 * static_cast<std::uint64_t>(p);
    params.chunk_element_count = 30;
    for (const Schedule& schedule : schedules_of_all_ranks(make_circulant_allreduce, params)) {
      std::uint64_t sent = 0;
      for (const Op& op : schedule.ops) {
        sent += op.kind == OpKind::send ? op.count : 0;
      }
      CHECK(sent == 2 * (params.element_count - 100));
    }
  }
}

}  // namespace
}  // namespace hvd
