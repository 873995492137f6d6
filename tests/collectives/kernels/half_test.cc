#include "collectives/kernels/half.h"

#include <cmath>
#include <limits>

#include "core/base/random.h"
#include "tests/catch.h"

namespace hvd {
namespace {

// An independent reading of IEEE 754: the value of an encoding with `mantissa_bits`.
double decoded(std::uint32_t encoding, int exponent_bits, int mantissa_bits) {
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const std::uint32_t mantissa = encoding & ((1U << mantissa_bits) - 1);
  const auto exponent = static_cast<int>((encoding >> mantissa_bits) & ((1U << exponent_bits) - 1));
  const double sign = (encoding >> (exponent_bits + mantissa_bits) & 1U) != 0 ? -1 : 1;
  if (exponent == (1 << exponent_bits) - 1) {
    return mantissa != 0 ? std::numeric_limits<double>::quiet_NaN()
                         : sign * std::numeric_limits<double>::infinity();
  }
  const double fraction =
      std::ldexp(static_cast<double>(mantissa), -mantissa_bits) + (exponent > 0 ? 1 : 0);
  return sign * std::ldexp(fraction, std::max(exponent, 1) - bias);
}

bool same_value(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) || (a == b && std::signbit(a) == std::signbit(b));
}

TEST_CASE("every fp16 and bf16 has the value that IEEE 754 says", "[half]") {
  int wrong_count = 0;
  for (std::uint32_t bits = 0; bits <= 0xffffU; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    wrong_count += same_value(half_to_float(half), decoded(bits, 5, 10)) ? 0 : 1;
    wrong_count += same_value(bfloat16_to_float(half), decoded(bits, 8, 7)) ? 0 : 1;
  }
  CHECK(wrong_count == 0);
}

TEST_CASE("every fp16 and bf16 survives the way to fp32 and back", "[half]") {
  int wrong_count = 0;
  for (std::uint32_t bits = 0; bits <= 0xffffU; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const bool half_nan = (half & 0x7fffU) > 0x7c00U;
    const bool bf16_nan = (half & 0x7fffU) > 0x7f80U;
    wrong_count += float_to_half(half_to_float(half)) == (half_nan ? half | 0x0200U : half) ? 0 : 1;
    wrong_count +=
        float_to_bfloat16(bfloat16_to_float(half)) == (bf16_nan ? half | 0x40U : half) ? 0 : 1;
  }
  CHECK(wrong_count == 0);
}

// The encoding of the magnitude that is nearest to a value, the even one of two that are as near.
// One step past the largest finite encoding is infinity, where the next power of two would be.
std::uint32_t nearest(double magnitude, int exponent_bits, int mantissa_bits) {
  const std::uint32_t infinity = ((1U << exponent_bits) - 1) << mantissa_bits;
  const auto value_of = [&](std::uint32_t encoding) {
    return encoding == infinity ? std::ldexp(1.0, 1 << (exponent_bits - 1))
                                : decoded(encoding, exponent_bits, mantissa_bits);
  };
  std::uint32_t low = 0;
  std::uint32_t high = infinity;
  while (high - low > 1) {
    const std::uint32_t middle = (low + high) / 2;
    (value_of(middle) <= magnitude ? low : high) = middle;
  }
  const double below = magnitude - value_of(low);
  const double above = value_of(high) - magnitude;
  return below < above || (below == above && low % 2 == 0) ? low : high;
}

void check_narrowing(float value, int& wrong_count) {
  const std::uint32_t sign = std::signbit(value) ? 0x8000U : 0U;
  const double magnitude = std::abs(static_cast<double>(value));
  wrong_count += float_to_half(value) == (nearest(magnitude, 5, 10) | sign) ? 0 : 1;
  wrong_count += float_to_bfloat16(value) == (nearest(magnitude, 8, 7) | sign) ? 0 : 1;
}

TEST_CASE("narrowing rounds to the nearest, and to the even of two", "[half]") {
  int wrong_count = 0;
  Random random(3);
  for (int i = 0; i < 200'000; ++i) {
    const float value = std::bit_cast<float>(static_cast<std::uint32_t>(random.next()));
    if (!std::isnan(value)) {
      check_narrowing(value, wrong_count);
    }
  }
  // Exactly between two neighbours, and one float to either side of that.
  for (std::uint32_t half = 0; half < 0x7c00U; ++half) {
    const auto here = half_to_float(static_cast<std::uint16_t>(half));
    const float next =
        half == 0x7bffU ? 65536.0F : half_to_float(static_cast<std::uint16_t>(half + 1));
    const float middle = here + (next - here) / 2;
    for (const float value : {middle, std::nextafter(middle, 0.0F), std::nextafter(middle, next)}) {
      check_narrowing(value, wrong_count);
      check_narrowing(-value, wrong_count);
    }
  }
  for (std::uint32_t bf16 = 0; bf16 < 0x7f80U; ++bf16) {
    const std::uint32_t middle = (bf16 << 16) | 0x8000U;
    for (const std::uint32_t bits : {middle - 1, middle, middle + 1}) {
      check_narrowing(std::bit_cast<float>(bits), wrong_count);
    }
  }
  CHECK(wrong_count == 0);
}

TEST_CASE("a narrowed NaN stays a NaN, or becomes the one without sign and payload", "[half]") {
  for (const std::uint32_t bits : {0x7f800001U, 0x7fffffffU, 0xffc00000U, 0xff800001U}) {
    const float nan = std::bit_cast<float>(bits);
    CHECK(std::isnan(half_to_float(float_to_half(nan))));
    CHECK(std::isnan(bfloat16_to_float(float_to_bfloat16(nan))));
    CHECK(float_to_half<NarrowNan::canonical>(nan) == 0x7e00U);
    CHECK(float_to_bfloat16<NarrowNan::canonical>(nan) == 0x7fc0U);
  }
}

}  // namespace
}  // namespace hvd
