#include "collectives/generators/ring_allreduce.h"

#include "tests/catch.h"
#include "tests/collectives/generator_cases.h"

namespace hvd {
namespace {

TEST_CASE("ring allreduce is proven for every size on up to 9 ranks", "[ring_allreduce]") {
  CHECK(verify_allreduce(make_ring_allreduce) > 15'000);
}

TEST_CASE("ring allreduce leaves the same on all ranks over narrow wires too", "[ring_allreduce]") {
  CHECK(verify_kind(CollectiveKind::allreduce, make_ring_allreduce, Ground::edges) > 5'000);
}

}  // namespace
}  // namespace hvd
