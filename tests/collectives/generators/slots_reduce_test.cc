#include "collectives/generators/slots_reduce.h"

#include "tests/catch.h"
#include "tests/collectives/generator_cases.h"

namespace hvd {
namespace {

TEST_CASE("reduce through slots is proven for any root and slots of any size", "[slots_reduce]") {
  CHECK(verify_kind(CollectiveKind::reduce, make_slots_reduce, Ground::slots) > 5'000);
}

}  // namespace
}  // namespace hvd
