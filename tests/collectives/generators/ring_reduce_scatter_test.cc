#include "collectives/generators/ring_reduce_scatter.h"

#include "tests/catch.h"
#include "tests/collectives/generator_cases.h"

namespace hvd {
namespace {

TEST_CASE("ring reduce-scatter is proven for unequal and empty parts", "[ring_reduce_scatter]") {
  CHECK(verify_kind(CollectiveKind::reduce_scatter, make_ring_reduce_scatter, Ground::edges) >
        5'000);
}

}  // namespace
}  // namespace hvd
