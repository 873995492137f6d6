#include "collectives/generators/linear_gather.h"

#include "tests/catch.h"
#include "tests/collectives/generator_cases.h"

namespace hvd {
namespace {

TEST_CASE("linear gather is proven for unequal and empty parts and any root", "[linear_gather]") {
  CHECK(verify_kind(CollectiveKind::gather, make_linear_gather, Ground::edges) > 5'000);
}

}  // namespace
}  // namespace hvd
