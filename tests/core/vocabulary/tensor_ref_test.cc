#include "core/vocabulary/tensor_ref.h"

#include <limits>

#include "tests/catch.h"

namespace hvd {
namespace {

Shape shape_of(std::initializer_list<std::int64_t> sizes) {
  return Shape(std::span<const std::int64_t>(sizes.begin(), sizes.size()));
}
constexpr std::int64_t kMost = std::int64_t{1} << 56;
constexpr std::int64_t kHuge = std::numeric_limits<std::int64_t>::max();

TEST_CASE("a scalar has one element and an empty dimension makes none", "[shape]") {
  CHECK(Shape().element_count() == 1);
  CHECK(shape_of({3, 4}).element_count() == 12);
  CHECK(shape_of({3, 0, 4}).element_count() == 0);
  CHECK(shape_of({5, 3, 4}).row_element_count() == 12);
  CHECK(shape_of({5}).row_element_count() == 1);
  CHECK(Shape().row_element_count() == 1);
  CHECK(shape_of({3, 4}).text() == "[3 4]");
  CHECK(Shape().text() == "[]");
}

TEST_CASE("a shape counts up to 2^56 elements, and no overflow hides more", "[shape]") {
  CHECK(shape_of({kMost}).countable());
  CHECK(shape_of({kMost / 2, 2}).countable());
  CHECK_FALSE(shape_of({kMost + 1}).countable());
  CHECK_FALSE(shape_of({kMost, 2}).countable());
  CHECK_FALSE(shape_of({kHuge, kHuge, kHuge, kHuge, kHuge, kHuge, kHuge, kHuge}).countable());
  // 2^32 * 2^32 wraps to 0 in 64 bits.
  CHECK_FALSE(shape_of({std::int64_t{1} << 32, std::int64_t{1} << 32}).countable());
}

TEST_CASE("no elements are countable whatever the other sizes, negative ones never", "[shape]") {
  CHECK(shape_of({0, kHuge, kHuge}).countable());
  CHECK(shape_of({kHuge, kHuge, 0}).countable());
  CHECK(shape_of({kHuge, kHuge, 0}).element_count() == 0);
  CHECK_FALSE(shape_of({-1}).countable());
  CHECK_FALSE(shape_of({0, -1}).countable());
  CHECK_FALSE(shape_of({-1, 0}).countable());
}

TEST_CASE("shapes are equal if all sizes are", "[shape]") {
  CHECK(shape_of({2, 3}) == shape_of({2, 3}));
  CHECK_FALSE(shape_of({2, 3}) == shape_of({3, 2}));
  CHECK_FALSE(shape_of({2}) == shape_of({2, 1}));
  CHECK_FALSE(Shape() == shape_of({1}));
}

TEST_CASE("bytes are elements times their size", "[tensor_ref]") {
  const TensorRef tensor{nullptr, DType::float64, shape_of({2, 5})};
  CHECK(tensor.element_count() == 10);
  CHECK(tensor.byte_count() == 80);
}

}  // namespace
}  // namespace hvd
