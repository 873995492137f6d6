#include "collectives/generators/halving_doubling_allreduce.h"

#include "tests/catch.h"
#include "tests/collectives/generator_cases.h"

namespace hvd {
namespace {

TEST_CASE("halving and doubling allreduce is proven for any number of ranks",
          "[halving_doubling_allreduce]") {
  CHECK(verify_kind(CollectiveKind::allreduce, make_halving_doubling_allreduce, Ground::edges) >
        5'000);
}

}  // namespace
}  // namespace hvd
