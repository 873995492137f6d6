// collectives/kernels/half.h: fp16 and bf16 to fp32 and back, without special instructions.
// Not here: loops over vectors (reduce.h, scale.h).
// Threads: pure functions.  Limits: rounds to nearest even in the CPU's default mode.
// Read next: reduce.h.
#pragma once

#include <bit>
#include <cstdint>

namespace hvd {

// Selects by masks. With ?: the compiler moves floating-point work behind a branch and then makes
// no vector code of the loop (gcc 12 on min and max of floats, and on everything with fp16).
template <typename Bits>
constexpr Bits select_bits(bool condition, Bits yes, Bits no) {
  const Bits mask = Bits{0} - static_cast<Bits>(condition);
  return static_cast<Bits>((yes & mask) | (no & ~mask));
}

// What becomes of a NaN that is narrowed: it keeps its sign and what fits of its payload, or all
// NaN become one, which has neither.
enum class NarrowNan { kept, canonical };

// After Dukhan's FP16 library. The exponent is moved by a multiplication, which is right for
// infinity and NaN too; subnormals are made by a subtraction of normal floats. So the result does
// not depend on the CPU's flush-to-zero setting.
constexpr float half_to_float(std::uint16_t half) {
  const std::uint32_t magnitude = half & 0x7fffU;
  const float normal = std::bit_cast<float>((magnitude << 13) + (0xe0U << 23)) * 0x1p-112F;
  const float subnormal = std::bit_cast<float>(magnitude | (126U << 23)) - 0.5F;
  const std::uint32_t bits =
      select_bits(static_cast<std::int32_t>(magnitude) < 0x0400,
                  std::bit_cast<std::uint32_t>(subnormal), std::bit_cast<std::uint32_t>(normal));
  return std::bit_cast<float>(bits | ((half & 0x8000U) << 16));
}

// The sum with a power of two, chosen by the value's exponent, leaves exactly the bits of a half's
// mantissa and lets the CPU round; too large values became infinite before.
template <NarrowNan kNan = NarrowNan::kept>
constexpr std::uint16_t float_to_half(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 16) & 0x8000U;
  const std::uint32_t magnitude = bits & 0x7fffffffU;
  const std::uint32_t exponent = magnitude & 0x7f800000U;
  // Comparisons are signed, which plain x86-64 has as vector instructions.
  const std::uint32_t rounding_exponent =
      select_bits(static_cast<std::int32_t>(exponent) < 0x38800000, 0x38800000U, exponent);
  const float scaled = (std::bit_cast<float>(magnitude) * 0x1p+112F) * 0x1p-110F;
  const std::uint32_t rounded =
      std::bit_cast<std::uint32_t>(std::bit_cast<float>(rounding_exponent + 0x07800000U) + scaled);
  const std::uint32_t half = ((rounded >> 13) & 0x7c00U) + (rounded & 0x0fffU);
  const std::uint32_t nan =
      kNan == NarrowNan::canonical ? 0x7e00U : sign | 0x7e00U | ((magnitude >> 13) & 0x03ffU);
  return static_cast<std::uint16_t>(
      select_bits(static_cast<std::int32_t>(magnitude) > 0x7f800000, nan, half | sign));
}

constexpr float bfloat16_to_float(std::uint16_t bf16) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bf16) << 16);
}

template <NarrowNan kNan = NarrowNan::kept>
constexpr std::uint16_t float_to_bfloat16(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t rounded = (bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16;
  const std::uint32_t nan = kNan == NarrowNan::canonical ? 0x7fc0U : (bits >> 16) | 0x40U;
  const auto magnitude = static_cast<std::int32_t>(bits & 0x7fffffffU);
  return static_cast<std::uint16_t>(select_bits(magnitude > 0x7f800000, nan, rounded));
}

}  // namespace hvd
