#include "core/base/random.h"

#include <algorithm>
#include <array>

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("a seed gives the same numbers on every machine", "[random]") {
  // xoshiro256** over splitmix64(0), from the published reference code.
  Random random(0);
  CHECK(random.next() == 11091344671253066420ULL);
  CHECK(random.next() == 13793997310169335082ULL);
  CHECK(random.next() == 1900383378846508768ULL);
}

TEST_CASE("different seeds give different numbers", "[random]") {
  CHECK(Random(1).next() != Random(2).next());
}

TEST_CASE("numbers below a bound stay below it and reach all of it evenly", "[random]") {
  Random random(42);
  std::array<int, 7> counts{};
  for (int i = 0; i < 70'000; ++i) {
    const std::uint64_t value = random.below(counts.size());
    REQUIRE(value < counts.size());
    ++counts[value];
  }
  CHECK(*std::min_element(counts.begin(), counts.end()) > 9'500);
  CHECK(*std::max_element(counts.begin(), counts.end()) < 10'500);
  CHECK(Random(3).below(1) == 0);
}

TEST_CASE("unit numbers lie in [0, 1)", "[random]") {
  Random random(9);
  double sum = 0;
  for (int i = 0; i < 10'000; ++i) {
    const double value = random.unit();
    REQUIRE(value >= 0);
    REQUIRE(value < 1);
    sum += value;
  }
  CHECK(sum / 10'000 == Approx(0.5).margin(0.02));
}

}  // namespace
}  // namespace hvd
