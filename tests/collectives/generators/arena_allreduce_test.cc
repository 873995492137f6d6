#include "collectives/generators/arena_allreduce.h"

#include "tests/catch.h"
#include "tests/collectives/generator_cases.h"

namespace hvd {
namespace {

TEST_CASE("arena allreduce is proven in place and out of place", "[arena_allreduce]") {
  CHECK(verify_kind(CollectiveKind::allreduce, make_arena_allreduce, Ground::slots) > 5'000);
}

}  // namespace
}  // namespace hvd
