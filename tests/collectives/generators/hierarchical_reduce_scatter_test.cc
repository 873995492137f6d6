#include "collectives/generators/hierarchical_reduce_scatter.h"

#include "tests/catch.h"
#include "tests/collectives/generator_cases.h"

namespace hvd {
namespace {

TEST_CASE(
    "hierarchical reduce-scatter is proven for unequal and empty parts, hosts of unequal sizes and "
    "slots of any size",
    "[hierarchical_reduce_scatter]") {
  CHECK(verify_kind(CollectiveKind::reduce_scatter, make_hierarchical_reduce_scatter,
                    Ground::hosts) > 5'000);
}

}  // namespace
}  // namespace hvd
