#include "collectives/generators/single_copy_allgather.h"

#include "tests/catch.h"
#include "tests/collectives/generator_cases.h"

namespace hvd {
namespace {

TEST_CASE(
    "allgather by single copies is proven for unequal and empty parts, in place and out of place",
    "[single_copy_allgather]") {
  CHECK(verify_kind(CollectiveKind::allgather, make_single_copy_allgather, Ground::slots) > 5'000);
}

}  // namespace
}  // namespace hvd
