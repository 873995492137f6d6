#include "collectives/generators/linear_scatter.h"

#include "tests/catch.h"
#include "tests/collectives/generator_cases.h"

namespace hvd {
namespace {

TEST_CASE("linear scatter is proven for unequal and empty parts and any root", "[linear_scatter]") {
  CHECK(verify_kind(CollectiveKind::scatter, make_linear_scatter, Ground::edges) > 5'000);
}

}  // namespace
}  // namespace hvd
