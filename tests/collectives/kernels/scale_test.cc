#include "collectives/kernels/scale.h"

#include <cmath>
#include <limits>
#include <vector>

#include "tests/catch.h"
#include "tests/collectives/reference_executor.h"

namespace hvd {
namespace {

template <typename T>
T scaled(T value, double factor, DType dtype) {
  T result{};
  scale(reinterpret_cast<std::byte*>(&result), reinterpret_cast<const std::byte*>(&value), factor,
        1, dtype);
  return result;
}

double scaled_half(double value, double factor, DType dtype) {
  std::byte memory[2];
  set_element(memory, 0, dtype, value);
  scale(memory, memory, factor, 1, dtype);
  return element_as_double(memory, 0, dtype);
}

TEST_CASE("floats are multiplied and rounded once", "[scale]") {
  CHECK(scaled(3.0F, 1.0 / 3.0, DType::float32) == 3.0F * static_cast<float>(1.0 / 3.0));
  CHECK(scaled(3.0, 0.1, DType::float64) == 3.0 * 0.1);
  CHECK(scaled_half(65504, 0.5, DType::float16) == 32752);
  CHECK(scaled_half(65504, 2, DType::float16) == std::numeric_limits<double>::infinity());
  CHECK(scaled_half(3, 0.5, DType::bfloat16) == 1.5);
  CHECK(std::isnan(scaled_half(std::nan(""), 0.5, DType::bfloat16)));
  CHECK(std::signbit(scaled(-0.0F, 2, DType::float32)));
}

TEST_CASE("the average of equal integers is that integer, for any number of ranks", "[scale]") {
  std::int64_t wrong_count = 0;
  for (std::int64_t ranks = 1; ranks <= 3000; ++ranks) {
    for (const std::int64_t value : {1LL, 7LL, -13LL, 1LL << 40}) {
      wrong_count +=
          scaled(value * ranks, 1.0 / static_cast<double>(ranks), DType::int64) == value ? 0 : 1;
    }
    const auto small = static_cast<std::int32_t>(ranks);
    wrong_count += scaled(small * 11, 1.0 / static_cast<double>(ranks), DType::int32) == 11 ? 0 : 1;
  }
  CHECK(wrong_count == 0);
}

TEST_CASE("integers are truncated toward zero and never leave their range", "[scale]") {
  CHECK(scaled(std::int32_t{7}, 0.5, DType::int32) == 3);
  CHECK(scaled(std::int32_t{-7}, 0.5, DType::int32) == -3);
  CHECK(scaled(std::int32_t{10}, 0.29, DType::int32) == 2);
  CHECK(scaled(std::int32_t{-10}, 0.29, DType::int32) == -2);
  CHECK(scaled(std::int64_t{1} << 62, 4.0, DType::int64) ==
        std::numeric_limits<std::int64_t>::max());
  CHECK(scaled(-(std::int64_t{1} << 62), 4.0, DType::int64) ==
        std::numeric_limits<std::int64_t>::min());
  CHECK(scaled(std::uint8_t{200}, 2.0, DType::uint8) == 255);
  CHECK(scaled(std::uint8_t{200}, -2.0, DType::uint8) == 0);
  CHECK(scaled(std::int8_t{-100}, 3.0, DType::int8) == -128);
  CHECK(scaled(std::int16_t{300}, 1000.0, DType::int16) == 32767);
  CHECK(scaled(std::uint16_t{3}, 0.5, DType::uint16) == 1);
  CHECK(scaled(std::int32_t{5}, std::nan(""), DType::int32) == 0);
}

TEST_CASE("a factor of one leaves every integer as it is", "[scale]") {
  const auto value = std::numeric_limits<std::int64_t>::max() - 1;  // no double has this value
  CHECK(scaled(value, 1.0, DType::int64) == value);
}

TEST_CASE("a boolean changes only where the factor is zero", "[scale]") {
  CHECK(scaled(std::uint8_t{1}, 0.25, DType::boolean) == 1);
  CHECK(scaled(std::uint8_t{1}, 0.0, DType::boolean) == 0);
  CHECK(scaled(std::uint8_t{0}, 2.0, DType::boolean) == 0);
}

}  // namespace
}  // namespace hvd
