#include "collectives/kernels/integer_scale.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <limits>

#include "core/base/random.h"
#include "tests/catch.h"

namespace hvd {
namespace {

template <typename T>
int wrong_divisions(DType dtype, Random& random) {
  int wrong_count = 0;
  for (int i = 0; i < 20'000; ++i) {
    const T value = i == 0   ? std::numeric_limits<T>::max()
                    : i == 1 ? std::numeric_limits<T>::min()
                             : static_cast<T>(random.next());
    const auto divisor = static_cast<std::int64_t>(random.below(i % 2 == 0 ? 200 : 100) % 127 + 1);
    T result = value;
    scale_integers(reinterpret_cast<std::byte*>(&result), reinterpret_cast<std::byte*>(&result),
                   1.0 / static_cast<double>(divisor), 1, dtype);
    const auto exact = static_cast<T>(static_cast<__int128_t>(value) / divisor);
    wrong_count += result == exact ? 0 : 1;
  }
  return wrong_count;
}

TEST_CASE("a factor of 1 / d divides every integer exactly, toward zero", "[integer_scale]") {
  Random random(3);
  CHECK(wrong_divisions<std::int8_t>(DType::int8, random) == 0);
  CHECK(wrong_divisions<std::uint8_t>(DType::uint8, random) == 0);
  CHECK(wrong_divisions<std::int16_t>(DType::int16, random) == 0);
  CHECK(wrong_divisions<std::uint16_t>(DType::uint16, random) == 0);
  CHECK(wrong_divisions<std::int32_t>(DType::int32, random) == 0);
  CHECK(wrong_divisions<std::uint32_t>(DType::uint32, random) == 0);
  CHECK(wrong_divisions<std::int64_t>(DType::int64, random) == 0);
  CHECK(wrong_divisions<std::uint64_t>(DType::uint64, random) == 0);
}

TEST_CASE("booleans of any byte stay what they are, and are zero times zero", "[integer_scale]") {
  std::array<std::byte, 3> values = {std::byte{0}, std::byte{1}, std::byte{7}};
  scale_integers(values.data(), values.data(), 0.1, 3, DType::boolean);
  CHECK(values == std::array<std::byte, 3>{std::byte{0}, std::byte{1}, std::byte{1}});
  scale_integers(values.data(), values.data(), 0, 3, DType::boolean);
  CHECK(values == std::array<std::byte, 3>{});
}

}  // namespace
}  // namespace hvd
