#include "collectives/generators/single_copy_alltoall.h"

#include "tests/catch.h"
#include "tests/collectives/generator_cases.h"

namespace hvd {
namespace {

TEST_CASE("alltoall by single copies is proven for unequal and empty parts",
          "[single_copy_alltoall]") {
  CHECK(verify_kind(CollectiveKind::alltoall, make_single_copy_alltoall, Ground::slots) > 5'000);
}

}  // namespace
}  // namespace hvd
