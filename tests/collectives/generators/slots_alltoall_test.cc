#include "collectives/generators/slots_alltoall.h"

#include "tests/catch.h"
#include "tests/collectives/generator_cases.h"

namespace hvd {
namespace {

TEST_CASE("alltoall through slots is proven for unequal and empty parts and slots of any size",
          "[slots_alltoall]") {
  CHECK(verify_kind(CollectiveKind::alltoall, make_slots_alltoall, Ground::slots) > 5'000);
}

}  // namespace
}  // namespace hvd
