#include "collectives/generators/hierarchical_broadcast.h"

#include "tests/catch.h"
#include "tests/collectives/generator_cases.h"

namespace hvd {
namespace {

TEST_CASE("hierarchical broadcast is proven for any root and hosts of unequal sizes",
          "[hierarchical_broadcast]") {
  CHECK(verify_kind(CollectiveKind::broadcast, make_hierarchical_broadcast, Ground::hosts) > 5'000);
}

}  // namespace
}  // namespace hvd
