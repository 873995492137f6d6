#include "collectives/generators/two_shot_allreduce.h"

#include "tests/catch.h"
#include "tests/collectives/generator_cases.h"

namespace hvd {
namespace {

TEST_CASE("two-shot allreduce is proven for slots of any size", "[two_shot_allreduce]") {
  CHECK(verify_kind(CollectiveKind::allreduce, make_two_shot_allreduce, Ground::slots) > 5'000);
}

}  // namespace
}  // namespace hvd
