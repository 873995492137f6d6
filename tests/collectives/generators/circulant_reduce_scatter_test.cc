#include "collectives/generators/circulant_reduce_scatter.h"

#include "tests/catch.h"
#include "tests/collectives/generator_cases.h"

namespace hvd {
namespace {

TEST_CASE("circulant reduce-scatter is proven for equal, unequal and empty parts",
          "[circulant_reduce_scatter]") {
  CHECK(verify_kind(CollectiveKind::reduce_scatter, make_circulant_reduce_scatter, Ground::edges) >
        5'000);
}

}  // namespace
}  // namespace hvd
