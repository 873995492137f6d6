#include "collectives/generators/dissemination_barrier.h"

#include "tests/catch.h"
#include "tests/collectives/generator_cases.h"

namespace hvd {
namespace {

TEST_CASE("dissemination barrier is proven on up to 64 ranks", "[dissemination_barrier]") {
  int count = 0;
  for (int p = 1; p <= 64; ++p) {
    for (int slots = 1; slots <= kExhaustiveSlotCount; ++slots) {
      ScheduleParams params;
      params.rank_count = p;
      require_verified(make_dissemination_barrier, params, slots);
      ++count;
    }
  }
  CHECK(count == 64 * kExhaustiveSlotCount);
}

}  // namespace
}  // namespace hvd
