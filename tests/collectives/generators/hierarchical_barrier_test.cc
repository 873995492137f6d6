#include "collectives/generators/hierarchical_barrier.h"

#include "tests/catch.h"
#include "tests/collectives/generator_cases.h"

namespace hvd {
namespace {

TEST_CASE("hierarchical barrier is proven for hosts of unequal sizes", "[hierarchical_barrier]") {
  CHECK(verify_kind(CollectiveKind::barrier, make_hierarchical_barrier, Ground::hosts) > 5'000);
}

}  // namespace
}  // namespace hvd
