#include "bindings/c/spin_policy.h"

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("ranks that share cores give them away at once and ranks with a core each do not",
          "[spin_policy]") {
  CHECK(spin_policy(2, 2, -1, 100 * kMicrosecond, true).hold > 0);
  CHECK(spin_policy(2, 4, -1, 100 * kMicrosecond, true).hold == 0);
  CHECK(spin_policy(1.5, 2, -1, 100 * kMicrosecond, true).hold == 0);
  CHECK(spin_policy(2, 2, -1, 100 * kMicrosecond, true).length > 0);
}

TEST_CASE("the setting decides how long a thread polls", "[spin_policy]") {
  CHECK(spin_policy(2, 2, 0, 100 * kMicrosecond, true).length == 0);
  CHECK(spin_policy(2, 4, 7, 100 * kMicrosecond, true).length == 7 * kMicrosecond);
}

}  // namespace
}  // namespace hvd
