#include "collectives/generators/recursive_doubling_allreduce.h"

#include "tests/catch.h"
#include "tests/collectives/generator_cases.h"

namespace hvd {
namespace {

TEST_CASE("recursive doubling allreduce is proven for every size on up to 9 ranks",
          "[recursive_doubling_allreduce]") {
  CHECK(verify_allreduce(make_recursive_doubling_allreduce) > 15'000);
}

TEST_CASE("recursive doubling allreduce leaves the same on all ranks over narrow wires too",
          "[recursive_doubling_allreduce]") {
  CHECK(verify_kind(CollectiveKind::allreduce, make_recursive_doubling_allreduce, Ground::edges) >
        5'000);
}

}  // namespace
}  // namespace hvd
