// collectives/kernels/float8.h: fp8 (OCP E4M3 and E5M2) to fp32 and back, one at a time.
// Not here: vectors of them (lanes.h), fp16 and bf16 (half.h).
// Threads: pure functions.  Limits: rounds to nearest even; NaN become one, without a sign.
// Read next: elements.h.
#pragma once

#include <bit>
#include <cstdint>

namespace hvd {

struct Float8Layout {
  int mantissa_bits = 0;
  int bias = 0;
  std::uint8_t above = 0;  // what is too large becomes
  std::uint8_t nan = 0;
};
// E4M3 has no infinity: what is too large becomes NaN, as infinity itself does.
inline constexpr Float8Layout kE4m3{.mantissa_bits = 3, .bias = 7, .above = 0x7f, .nan = 0x7f};
inline constexpr Float8Layout kE5m2{.mantissa_bits = 2, .bias = 15, .above = 0x7c, .nan = 0x7e};

constexpr float float8_to_float(std::uint8_t bits, const Float8Layout& layout) {
  const int magnitude = bits & 0x7f;
  const float sign = bits >= 0x80 ? -1.0F : 1.0F;
  if (magnitude >= layout.above) {
    return magnitude == layout.above && layout.above != layout.nan
               ? sign * std::bit_cast<float>(0x7f800000U)
               : std::bit_cast<float>(0x7fc00000U);
  }
  const int exponent = magnitude >> layout.mantissa_bits;
  const int fraction = magnitude & ((1 << layout.mantissa_bits) - 1);
  const int units = exponent == 0 ? fraction : fraction + (1 << layout.mantissa_bits);
  const int unit_exponent = (exponent == 0 ? 1 : exponent) - layout.bias - layout.mantissa_bits;
  const auto unit_bits = static_cast<std::uint32_t>(127 + unit_exponent) << 23;
  return sign * static_cast<float>(units) * std::bit_cast<float>(unit_bits);
}

constexpr std::uint8_t float_to_float8(float value, const Float8Layout& layout) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t magnitude = bits & 0x7fffffffU;
  if (magnitude > 0x7f800000U) {
    return layout.nan;
  }
  const auto sign = static_cast<std::uint8_t>(bits >> 31 << 7);
  const int exponent = static_cast<int>(magnitude >> 23) - 127 + layout.bias;
  // How many bits of the 24 go: more for a subnormal. Beyond 25 nothing is left, not even half.
  const int cut = 23 - layout.mantissa_bits + (exponent < 1 ? 1 - exponent : 0);
  if (cut > 25) {
    return sign;
  }
  const std::uint32_t significand = (magnitude & 0x7fffffU) | 0x800000U;
  const std::uint32_t kept = significand >> cut;
  const std::uint32_t rest = significand & ((1U << cut) - 1);
  const std::uint32_t half = 1U << (cut - 1);
  const std::uint32_t up = rest > half || (rest == half && (kept & 1U) != 0) ? 1 : 0;
  // A normal number's leading bit adds one to the exponent, and so does rounding up to the next.
  const std::uint32_t base =
      exponent < 1 ? 0 : static_cast<std::uint32_t>(exponent - 1) << layout.mantissa_bits;
  const std::uint32_t rounded = base + kept + up;
  return static_cast<std::uint8_t>(sign | (rounded < layout.above ? rounded : layout.above));
}

}  // namespace hvd
