#include "collectives/generators/slots_scatter.h"

#include "tests/catch.h"
#include "tests/collectives/generator_cases.h"

namespace hvd {
namespace {

TEST_CASE(
    "scatter through slots is proven for unequal and empty parts and any root and slots of any "
    "size",
    "[slots_scatter]") {
  CHECK(verify_kind(CollectiveKind::scatter, make_slots_scatter, Ground::slots) > 5'000);
}

}  // namespace
}  // namespace hvd
