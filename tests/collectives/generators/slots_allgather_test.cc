#include "collectives/generators/slots_allgather.h"

#include "tests/catch.h"
#include "tests/collectives/generator_cases.h"

namespace hvd {
namespace {

TEST_CASE("allgather through slots is proven for unequal and empty parts and slots of any size",
          "[slots_allgather]") {
  CHECK(verify_kind(CollectiveKind::allgather, make_slots_allgather, Ground::slots) > 5'000);
}

}  // namespace
}  // namespace hvd
