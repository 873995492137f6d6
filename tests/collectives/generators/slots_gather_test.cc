#include "collectives/generators/slots_gather.h"

#include "tests/catch.h"
#include "tests/collectives/generator_cases.h"

namespace hvd {
namespace {

TEST_CASE(
    "gather through slots is proven for unequal and empty parts and any root and slots of any size",
    "[slots_gather]") {
  CHECK(verify_kind(CollectiveKind::gather, make_slots_gather, Ground::slots) > 5'000);
}

}  // namespace
}  // namespace hvd
