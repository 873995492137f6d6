#include "tests/collectives/adasum_reference.h"

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("the reference adds orthogonal vectors, averages equal ones and passes zeros by",
          "[adasum_reference]") {
  CHECK(adasum_reference({{3, 0}, {0, 5}}) == std::vector<double>{3, 5});
  CHECK(adasum_reference({{3, 1}, {3, 1}}) == std::vector<double>{3, 1});
  CHECK(adasum_reference({{0, 0}, {3, 1}}) == std::vector<double>{3, 1});
  CHECK(adasum_reference({{4}}) == std::vector<double>{4});
}

// (1, 0) and (1, 1): a.b 1, a.a 1, b.b 2, so half of the first and three quarters of the second.
TEST_CASE("the reference is what the formula gives by hand", "[adasum_reference]") {
  CHECK(adasum_reference({{1, 0}, {1, 1}}) == std::vector<double>{1.25, 0.75});
  // Three: the first two are a pair, then the third.
  CHECK(adasum_reference({{1, 0, 0}, {0, 1, 0}, {0, 0, 2}}) == std::vector<double>{1, 1, 2});
  CHECK(adasum_reference({{1, 0}, {1, 0}, {0, 7}}) == std::vector<double>{1, 7});
}

}  // namespace
}  // namespace hvd
