#include "backends/calibrate/steady.h"

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("the least of several times counts if it came again", "[calibrate]") {
  CHECK(steady_least({1000, 90000, 1100, 5000, 1200}) == 1000);
  CHECK(steady_least({1250, 1000, 1000}) == 1000);
}

TEST_CASE("a least time that came alone is chance", "[calibrate]") {
  CHECK(steady_least({1000, 2000, 2000, 2000}) == 0);
  CHECK(steady_least({1000, 1000, 1300}) == 0);
  CHECK(steady_least({1000, 1000}) == 0);
  CHECK(steady_least({}) == 0);
}

}  // namespace
}  // namespace hvd
