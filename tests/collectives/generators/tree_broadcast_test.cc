#include "collectives/generators/tree_broadcast.h"

#include "tests/catch.h"
#include "tests/collectives/generator_cases.h"

namespace hvd {
namespace {

TEST_CASE("tree broadcast is proven for every root and size on up to 9 ranks", "[tree_broadcast]") {
  int count = 0;
  for_sizes([&](ScheduleParams params, int edge_slot_count) {
    for (int root = 0; root < params.rank_count; ++root) {
      for (const bool in_place : {false, true}) {
        params.root = Rank{root};
        params.in_place = in_place;
        require_verified(make_tree_broadcast, params, edge_slot_count);
        ++count;
      }
    }
  });
  CHECK(count > 20'000);
}

TEST_CASE("chain broadcast is proven for any root", "[tree_broadcast]") {
  CHECK(verify_kind(CollectiveKind::broadcast, make_chain_broadcast, Ground::edges) > 5'000);
}

TEST_CASE("double tree broadcast is proven for any root", "[tree_broadcast]") {
  CHECK(verify_kind(CollectiveKind::broadcast, make_double_tree_broadcast, Ground::edges) > 5'000);
}

}  // namespace
}  // namespace hvd
