#include "collectives/generators/slots_reduce_scatter.h"

#include "tests/catch.h"
#include "tests/collectives/generator_cases.h"

namespace hvd {
namespace {

TEST_CASE(
    "reduce_scatter through slots is proven for unequal and empty parts and slots of any size",
    "[slots_reduce_scatter]") {
  CHECK(verify_kind(CollectiveKind::reduce_scatter, make_slots_reduce_scatter, Ground::slots) >
        5'000);
}

}  // namespace
}  // namespace hvd
