#include "core/vocabulary/collective.h"

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("every number of the wire that is a collective has a name, and no other has",
          "[collective]") {
  for (int kind = 0; kind < 256; ++kind) {
    const bool named = collective_name(static_cast<CollectiveKind>(kind)) != "unknown";
    CHECK(named == valid_collective(kind));
  }
  CHECK_FALSE(valid_collective(-1));
  CHECK(collective_name(CollectiveKind::allreduce) == "allreduce");
}

}  // namespace
}  // namespace hvd
