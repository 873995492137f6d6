#include "collectives/generators/two_shot_reduce.h"

#include "tests/catch.h"
#include "tests/collectives/generator_cases.h"

namespace hvd {
namespace {

TEST_CASE("two-shot reduce is proven for any root and slots of any size", "[two_shot_reduce]") {
  CHECK(verify_kind(CollectiveKind::reduce, make_two_shot_reduce, Ground::slots) > 5'000);
}

}  // namespace
}  // namespace hvd
