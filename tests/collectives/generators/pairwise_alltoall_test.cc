#include "collectives/generators/pairwise_alltoall.h"

#include "tests/catch.h"
#include "tests/collectives/generator_cases.h"

namespace hvd {
namespace {

TEST_CASE("pairwise alltoall is proven for unequal and empty parts", "[pairwise_alltoall]") {
  CHECK(verify_kind(CollectiveKind::alltoall, make_pairwise_alltoall, Ground::edges) > 5'000);
}

}  // namespace
}  // namespace hvd
