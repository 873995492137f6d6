#include "collectives/generators/ring_allreduce.h"

#include "tests/catch.h"
#include "tests/collectives/generator_cases.h"

namespace hvd {
namespace {

TEST_CASE("ring allreduce is proven for every size on up to 16 ranks", "[ring_allreduce]") {
  CHECK(verify_allreduce(make_ring_allreduce) > 20'000);
}

}  // namespace
}  // namespace hvd
