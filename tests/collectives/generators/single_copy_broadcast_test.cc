#include "collectives/generators/single_copy_broadcast.h"

#include "tests/catch.h"
#include "tests/collectives/generator_cases.h"

namespace hvd {
namespace {

TEST_CASE("broadcast by single copies is proven for any root, in place and out of place",
          "[single_copy_broadcast]") {
  CHECK(verify_kind(CollectiveKind::broadcast, make_single_copy_broadcast, Ground::slots) > 5'000);
}

}  // namespace
}  // namespace hvd
