#include "collectives/generators/slots_barrier.h"

#include "tests/catch.h"
#include "tests/collectives/generator_cases.h"

namespace hvd {
namespace {

TEST_CASE("barrier through slots is proven for any number of ranks and slots of any size",
          "[slots_barrier]") {
  CHECK(verify_kind(CollectiveKind::barrier, make_slots_barrier, Ground::slots) > 5'000);
}

}  // namespace
}  // namespace hvd
