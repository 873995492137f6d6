#include "collectives/generators/circulant_allgather.h"

#include "tests/catch.h"
#include "tests/collectives/generator_cases.h"

namespace hvd {
namespace {

TEST_CASE("circulant allgather is proven for equal, unequal and empty parts",
          "[circulant_allgather]") {
  CHECK(verify_kind(CollectiveKind::allgather, make_circulant_allgather, Ground::edges) > 5'000);
}

}  // namespace
}  // namespace hvd
