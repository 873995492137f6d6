// collectives/kernels/half.h: fp16 and bf16 to fp32 and back, with integer operations.
// Not here: loops over vectors (reduce.h, scale.h).
// Threads: pure functions.  Limits: rounds to nearest even, NaN stays NaN, no special CPU needed.
// Read next: reduce.h.
#pragma once

#include <bit>
#include <cstdint>

namespace hvd {

// Selects without a branch, so that loops over these functions become vector code.
constexpr std::uint32_t select_bits(bool condition, std::uint32_t yes, std::uint32_t no) {
  return condition ? yes : no;
}

// After Giesen, "half <-> float conversions" (2012): subnormals are made by a subtraction or an
// addition of normal floats, so the result does not depend on the CPU's flush-to-zero setting.
constexpr float half_to_float(std::uint16_t half) {
  constexpr std::uint32_t exponent_bits = 0x7c00U << 13;
  constexpr std::uint32_t rebias = (127U - 15U) << 23;
  constexpr std::uint32_t subnormal_magic = 113U << 23;
  const std::uint32_t shifted = (half & 0x7fffU) << 13;
  const std::uint32_t exponent = shifted & exponent_bits;
  const std::uint32_t finite = shifted + rebias;
  const std::uint32_t infinite = finite + ((128U - 16U) << 23);
  const float subnormal =
      std::bit_cast<float>(finite + (1U << 23)) - std::bit_cast<float>(subnormal_magic);
  std::uint32_t bits = select_bits(exponent == exponent_bits, infinite, finite);
  bits = select_bits(exponent == 0, std::bit_cast<std::uint32_t>(subnormal), bits);
  return std::bit_cast<float>(bits | ((half & 0x8000U) << 16));
}

constexpr std::uint16_t float_to_half(float value) {
  constexpr std::uint32_t infinity = 255U << 23;
  constexpr std::uint32_t too_large = (127U + 16U) << 23;
  constexpr std::uint32_t normal_min = 113U << 23;
  constexpr std::uint32_t subnormal_magic = ((127U - 15U) + (23U - 10U) + 1U) << 23;
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 16) & 0x8000U;
  const std::uint32_t magnitude = bits & 0x7fffffffU;
  const std::uint32_t subnormal =
      std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) +
                                   std::bit_cast<float>(subnormal_magic)) -
      subnormal_magic;
  const std::uint32_t odd = (magnitude >> 13) & 1U;
  const std::uint32_t normal = (magnitude - ((127U - 15U) << 23) + 0xfffU + odd) >> 13;
  const std::uint32_t nan = 0x7e00U | ((magnitude >> 13) & 0x3ffU);
  // The comparisons are signed, which plain x86-64 has as vector instructions; both sides are
  // below 2^31.
  const auto size = static_cast<std::int32_t>(magnitude);
  std::uint32_t half = select_bits(size < static_cast<std::int32_t>(normal_min), subnormal, normal);
  half = select_bits(size >= static_cast<std::int32_t>(too_large), 0x7c00U, half);
  half = select_bits(size > static_cast<std::int32_t>(infinity), nan, half);
  return static_cast<std::uint16_t>(half | sign);
}

constexpr float bfloat16_to_float(std::uint16_t bf16) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bf16) << 16);
}

constexpr std::uint16_t float_to_bfloat16(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t rounded = (bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16;
  const std::uint32_t nan = (bits >> 16) | 0x40U;
  const auto magnitude = static_cast<std::int32_t>(bits & 0x7fffffffU);
  return static_cast<std::uint16_t>(select_bits(magnitude > 0x7f800000, nan, rounded));
}

}  // namespace hvd
