#include "collectives/generators/tree_reduce.h"

#include "tests/catch.h"
#include "tests/collectives/generator_cases.h"

namespace hvd {
namespace {

TEST_CASE("tree reduce is proven for any root", "[tree_reduce]") {
  CHECK(verify_kind(CollectiveKind::reduce, make_tree_reduce, Ground::edges) > 5'000);
}

TEST_CASE("chain reduce is proven for any root", "[tree_reduce]") {
  CHECK(verify_kind(CollectiveKind::reduce, make_chain_reduce, Ground::edges) > 5'000);
}

TEST_CASE("double tree reduce is proven for any root", "[tree_reduce]") {
  CHECK(verify_kind(CollectiveKind::reduce, make_double_tree_reduce, Ground::edges) > 5'000);
}

}  // namespace
}  // namespace hvd
