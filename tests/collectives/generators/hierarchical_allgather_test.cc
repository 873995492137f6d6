#include "collectives/generators/hierarchical_allgather.h"

#include "tests/catch.h"
#include "tests/collectives/generator_cases.h"

namespace hvd {
namespace {

TEST_CASE(
    "hierarchical allgather is proven for unequal and empty parts, hosts of unequal sizes and "
    "slots of any size",
    "[hierarchical_allgather]") {
  CHECK(verify_kind(CollectiveKind::allgather, make_hierarchical_allgather, Ground::hosts) > 5'000);
}

}  // namespace
}  // namespace hvd
