#include "collectives/generators/pairwise_reduce_scatter.h"

#include "tests/catch.h"
#include "tests/collectives/generator_cases.h"

namespace hvd {
namespace {

TEST_CASE("pairwise reduce-scatter is proven for unequal and empty parts",
          "[pairwise_reduce_scatter]") {
  CHECK(verify_kind(CollectiveKind::reduce_scatter, make_pairwise_reduce_scatter, Ground::edges) >
        5'000);
}

}  // namespace
}  // namespace hvd
