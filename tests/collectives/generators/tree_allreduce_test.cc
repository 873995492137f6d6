#include "collectives/generators/tree_allreduce.h"

#include "tests/catch.h"
#include "tests/collectives/generator_cases.h"

namespace hvd {
namespace {

TEST_CASE("tree allreduce is proven for every size on up to 9 ranks", "[tree_allreduce]") {
  CHECK(verify_allreduce(make_tree_allreduce) > 15'000);
}

TEST_CASE("tree allreduce leaves the same on all ranks over narrow wires too", "[tree_allreduce]") {
  CHECK(verify_kind(CollectiveKind::allreduce, make_tree_allreduce, Ground::edges) > 5'000);
}

}  // namespace
}  // namespace hvd
