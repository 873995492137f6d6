#include "collectives/generators/slots_broadcast.h"

#include "tests/catch.h"
#include "tests/collectives/generator_cases.h"

namespace hvd {
namespace {

TEST_CASE("broadcast through slots is proven for any root and slots of any size",
          "[slots_broadcast]") {
  CHECK(verify_kind(CollectiveKind::broadcast, make_slots_broadcast, Ground::slots) > 5'000);
}

}  // namespace
}  // namespace hvd
