#include "collectives/generators/one_shot_allreduce.h"

#include "tests/catch.h"
#include "tests/collectives/generator_cases.h"

namespace hvd {
namespace {

TEST_CASE("one-shot allreduce is proven for slots of any size", "[one_shot_allreduce]") {
  CHECK(verify_kind(CollectiveKind::allreduce, make_one_shot_allreduce, Ground::slots) > 5'000);
}

}  // namespace
}  // namespace hvd
