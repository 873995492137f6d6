#include "collectives/generators/hierarchical_reduce.h"

#include "tests/catch.h"
#include "tests/collectives/generator_cases.h"

namespace hvd {
namespace {

TEST_CASE(
    "hierarchical reduce is proven for any root, hosts of unequal sizes and slots of any size",
    "[hierarchical_reduce]") {
  CHECK(verify_kind(CollectiveKind::reduce, make_hierarchical_reduce, Ground::hosts) > 5'000);
}

}  // namespace
}  // namespace hvd
