// collectives/kernels/lanes.h: element types in vectors: how they lie in memory, what they are
// computed in.
// Not here: one element at a time (elements.h), operations (lane_ops.h).
// Threads: pure functions.  Limits: as vectors.h.
// Read next: lane_ops.h.
#pragma once

#include <type_traits>

#include "collectives/kernels/vectors.h"

namespace hvd::HVD_KERNELS {

template <typename Wide>
using BitsOf = std::conditional_t<sizeof(Wide) == 4, std::uint32_t, std::uint64_t>;
template <typename Wide>
using SignedBitsOf = std::conditional_t<sizeof(Wide) == 4, std::int32_t, std::int64_t>;
template <typename Wide>
inline constexpr int kMantissaBitsOf = sizeof(Wide) == 4 ? 23 : 52;
template <typename Wide>
inline constexpr int kBiasOf = sizeof(Wide) == 4 ? 127 : 1023;

template <typename Wide, int kCount>
HVD_INLINE Vector<Wide, kCount> one_nan(Vector<Wide, kCount> values) {
  constexpr Wide nan =
      sizeof(Wide) == 4 ? static_cast<Wide>(__builtin_nanf("")) : __builtin_nan("");
  // NOLINTNEXTLINE(misc-redundant-expression): a NaN differs from itself
  return values == values ? values : spread<Vector<Wide, kCount>>(nan);
}

// The formats of less than 32 bits: sign, exponent, mantissa. `above` is written for what rounds to
// more than the largest number: infinity, or NaN in a format without.
struct Fp16 {
  using Stored = std::uint16_t;
  static constexpr int exponent_bits = 5;
  static constexpr int mantissa_bits = 10;
  static constexpr Stored above = 0x7c00;
  static constexpr Stored nan = 0x7e00;
};
struct Bf16 {
  using Stored = std::uint16_t;
  static constexpr int exponent_bits = 8;
  static constexpr int mantissa_bits = 7;
  static constexpr Stored above = 0x7f80;
  static constexpr Stored nan = 0x7fc0;
};
struct E4m3 {
  using Stored = std::uint8_t;
  static constexpr int exponent_bits = 4;
  static constexpr int mantissa_bits = 3;
  static constexpr Stored above = 0x7f;
  static constexpr Stored nan = 0x7f;
};
struct E5m2 {
  using Stored = std::uint8_t;
  static constexpr int exponent_bits = 5;
  static constexpr int mantissa_bits = 2;
  static constexpr Stored above = 0x7c;
  static constexpr Stored nan = 0x7e;
};
template <typename Format>
inline constexpr int kFormatBias = (1 << (Format::exponent_bits - 1)) - 1;

// A power of two whose last mantissa bit is worth as much as the format's least subnormal: adding
// it makes the CPU round to a multiple of that, and leaves the multiple in the low bits.
template <typename Format, typename Wide>
inline constexpr BitsOf<Wide> kSubnormalMagic =
    BitsOf<Wide>{kBiasOf<Wide> + 1 - kFormatBias<Format> - Format::mantissa_bits +
                 kMantissaBitsOf<Wide>}
    << kMantissaBitsOf<Wide>;

// Rounds to nearest even, once, from fp32 or fp64. Comparisons are signed: plain x86-64 has those.
template <typename Format, typename Wide, int kCount>
HVD_INLINE Vector<BitsOf<Wide>, kCount> narrow_bits(Vector<Wide, kCount> values) {
  using Bits = Vector<BitsOf<Wide>, kCount>;
  using Signed = Vector<SignedBitsOf<Wide>, kCount>;
  using Bit = BitsOf<Wide>;
  using SignedBit = SignedBitsOf<Wide>;
  constexpr int mantissa = kMantissaBitsOf<Wide>;
  constexpr int shift = mantissa - Format::mantissa_bits;
  constexpr int stored_bits = 8 * sizeof(typename Format::Stored);
  constexpr Bit rebias = static_cast<Bit>(kBiasOf<Wide> - kFormatBias<Format>) << mantissa;
  constexpr Bit sign_bit = Bit{1} << (8 * sizeof(Wide) - 1);

  const Bits bits = reinterpret_cast<Bits>(values);
  const Bits magnitude = bits & static_cast<Bit>(~sign_bit);
  const Bits sign = (bits & sign_bit) >> static_cast<int>(8 * sizeof(Wide) - stored_bits);
  const Bits odd = (magnitude >> shift) & Bit{1};
  const Signed rounded = reinterpret_cast<Signed>(
      (magnitude - rebias + static_cast<Bit>((Bit{1} << (shift - 1)) - 1) + odd) >> shift);
  constexpr auto above = static_cast<SignedBit>(Format::above);
  Signed result = rounded < above ? rounded : spread<Signed>(above);
  const Signed order = reinterpret_cast<Signed>(magnitude);
  if constexpr (rebias != 0) {  // else a subnormal is rounded as any other
    constexpr Bit magic = kSubnormalMagic<Format, Wide>;
    const auto sum = reinterpret_cast<Vector<Wide, kCount>>(magnitude) +
                     reinterpret_cast<Vector<Wide, kCount>>(spread<Bits>(magic));
    const auto subnormal = reinterpret_cast<Signed>(reinterpret_cast<Bits>(sum) - magic);
    constexpr auto least_normal = static_cast<SignedBit>(rebias + (Bit{1} << mantissa));
    result = order < least_normal ? subnormal : result;
  }
  result |= reinterpret_cast<Signed>(sign);
  constexpr auto infinity =
      static_cast<SignedBit>(static_cast<Bit>(2 * kBiasOf<Wide> + 1) << mantissa);
  result = order > infinity ? spread<Signed>(static_cast<SignedBit>(Format::nan)) : result;
  return reinterpret_cast<Bits>(result);
}

// Between bits as they are computed with and as they lie in memory; those fit. The built-in
// conversion goes through memory, one lane at a time (gcc 12; e4m3 sums at 1.5 instead of 6 GB/s).
template <typename Stored, typename Bits>
HVD_INLINE Stored cut(Bits bits) {
#if defined(HVD_HARDWARE_HALF) && defined(__AVX512F__)
  if constexpr (sizeof(Bits) == 64 && sizeof(Stored) == 16 && sizeof(bits[0]) == 4) {
    return reinterpret_cast<Stored>(
        _mm512_maskz_cvtepi32_epi8(0xffff, reinterpret_cast<__m512i>(bits)));
  }
  if constexpr (sizeof(Bits) == 64 && sizeof(Stored) == 32) {
    return reinterpret_cast<Stored>(
        _mm512_maskz_cvtepi32_epi16(0xffff, reinterpret_cast<__m512i>(bits)));
  }
#elif defined(HVD_HARDWARE_HALF) && defined(__AVX2__)
  if constexpr (sizeof(Bits) == 32 && sizeof(Stored) <= 16 && sizeof(bits[0]) == 4) {
    const auto low = _mm256_castsi256_si128(reinterpret_cast<__m256i>(bits));
    const auto high = _mm256_extracti128_si256(reinterpret_cast<__m256i>(bits), 1);
    const __m128i sixteen = _mm_packus_epi32(low, high);
    if constexpr (sizeof(Stored) == 16) {
      return reinterpret_cast<Stored>(sixteen);
    } else {
      const long long eight = _mm_cvtsi128_si64(_mm_packus_epi16(sixteen, sixteen));
      Stored stored;
      __builtin_memcpy(&stored, &eight, sizeof(eight));
      return stored;
    }
  }
#endif
  return __builtin_convertvector(bits, Stored);
}
template <typename Bits, typename Stored>
HVD_INLINE Bits spread_out(Stored stored) {
#if defined(HVD_HARDWARE_HALF) && defined(__AVX512F__)
  if constexpr (sizeof(Bits) == 64 && sizeof(Stored) == 16) {
    return reinterpret_cast<Bits>(
        _mm512_maskz_cvtepu8_epi32(0xffff, reinterpret_cast<__m128i>(stored)));
  }
  if constexpr (sizeof(Bits) == 64 && sizeof(Stored) == 32) {
    return reinterpret_cast<Bits>(
        _mm512_maskz_cvtepu16_epi32(0xffff, reinterpret_cast<__m256i>(stored)));
  }
#elif defined(HVD_HARDWARE_HALF) && defined(__AVX2__)
  if constexpr (sizeof(Bits) == 32 && sizeof(Stored) == 8) {
    long long eight = 0;
    __builtin_memcpy(&eight, &stored, sizeof(eight));
    return reinterpret_cast<Bits>(_mm256_cvtepu8_epi32(_mm_cvtsi64_si128(eight)));
  }
  if constexpr (sizeof(Bits) == 32 && sizeof(Stored) == 16) {
    return reinterpret_cast<Bits>(_mm256_cvtepu16_epi32(reinterpret_cast<__m128i>(stored)));
  }
#endif
  return __builtin_convertvector(stored, Bits);
}

// Exact.
template <typename Format, int kCount>
HVD_INLINE Vector<float, kCount> widened(Vector<typename Format::Stored, kCount> stored) {
  using Bits = Vector<std::uint32_t, kCount>;
  using Signed = Vector<std::int32_t, kCount>;
  using Floats = Vector<float, kCount>;
  constexpr int shift = 23 - Format::mantissa_bits;
  constexpr int stored_bits = 8 * sizeof(typename Format::Stored);
  constexpr std::uint32_t sign_bit = std::uint32_t{1} << (stored_bits - 1);
  const Bits bits = spread_out<Bits>(stored);
  if constexpr (Format::exponent_bits == 8) {
    return reinterpret_cast<Floats>(bits << shift);
  } else {
    constexpr std::uint32_t rebias = static_cast<std::uint32_t>(127 - kFormatBias<Format>) << 23;
    constexpr std::uint32_t magic = kSubnormalMagic<Format, float>;
    const Bits magnitude = bits & (sign_bit - 1);
    const Signed order = reinterpret_cast<Signed>(magnitude);
    const Bits normal = (magnitude << shift) + rebias;
    const Floats subnormal =
        reinterpret_cast<Floats>(magnitude | magic) - reinterpret_cast<Floats>(spread<Bits>(magic));
    constexpr std::int32_t least_normal = 1 << Format::mantissa_bits;
    Bits result = order < least_normal ? reinterpret_cast<Bits>(subnormal) : normal;
    constexpr auto above = static_cast<std::int32_t>(Format::above);
    // The format's infinity, if it has one, is `above`; what is beyond is NaN.
    const std::uint32_t top = Format::above == Format::nan ? 0x7fc00000U : 0x7f800000U;
    result = order < above ? result : spread<Bits>(top);
    result = order > above ? spread<Bits>(0x7fc00000U) : result;
    return reinterpret_cast<Floats>(result | ((bits & sign_bit) << (32 - stored_bits)));
  }
}

#if defined(HVD_HARDWARE_HALF) && defined(__AVX512F__)
// The forms with a mask: gcc 12 warns of an uninitialized variable inside the ones without.
inline constexpr __mmask16 kAllLanes = 0xffff;
HVD_INLINE Vector<float, 16> half_widened(Vector<std::uint16_t, 16> stored) {
  return reinterpret_cast<Vector<float, 16>>(
      _mm512_maskz_cvtph_ps(kAllLanes, reinterpret_cast<__m256i>(stored)));
}
HVD_INLINE Vector<std::uint16_t, 16> half_narrowed(Vector<float, 16> values) {
  return reinterpret_cast<Vector<std::uint16_t, 16>>(_mm512_maskz_cvtps_ph(
      kAllLanes, reinterpret_cast<__m512>(values), _MM_FROUND_TO_NEAREST_INT));
}
#elif defined(HVD_HARDWARE_HALF) && defined(__F16C__)
HVD_INLINE Vector<float, 8> half_widened(Vector<std::uint16_t, 8> stored) {
  return reinterpret_cast<Vector<float, 8>>(_mm256_cvtph_ps(reinterpret_cast<__m128i>(stored)));
}
HVD_INLINE Vector<std::uint16_t, 8> half_narrowed(Vector<float, 8> values) {
  return reinterpret_cast<Vector<std::uint16_t, 8>>(
      _mm256_cvtps_ph(reinterpret_cast<__m256>(values), _MM_FROUND_TO_NEAREST_INT));
}
#elif defined(HVD_HARDWARE_HALF)
HVD_INLINE Vector<float, 4> half_widened(Vector<std::uint16_t, 4> stored) {
  return reinterpret_cast<Vector<float, 4>>(vcvt_f32_f16(reinterpret_cast<float16x4_t>(stored)));
}
HVD_INLINE Vector<std::uint16_t, 4> half_narrowed(Vector<float, 4> values) {
  return reinterpret_cast<Vector<std::uint16_t, 4>>(
      vcvt_f16_f32(reinterpret_cast<float32x4_t>(values)));
}
#endif

// Lanes of one element type. Stored is what lies in memory, Values what is computed with. A NaN
// that is stored is always the one quiet NaN without payload and sign, see reduce.h.
template <typename T>
struct PlainLanes {
  using Value = T;
  static constexpr int kCount = kVectorBytes / static_cast<int>(sizeof(T));
  using Stored = Vector<T, kCount>;
  using Values = Vector<T, kCount>;
  static constexpr std::size_t kElementBytes = sizeof(T);
  HVD_INLINE static Values widen(Stored stored) { return stored; }
  HVD_INLINE static Stored narrow(Values values) {
    if constexpr (std::is_floating_point_v<T>) {
      return one_nan<T, kCount>(values);
    } else {
      return values;
    }
  }
  // What would be read again.
  HVD_INLINE static Values settled(Values values) { return values; }
};

template <typename SmallFormat>
struct SmallFloatLanes {
  using Format = SmallFormat;
  using Value = float;
  static constexpr int kCount = kVectorBytes / 4;
  using Stored = Vector<typename Format::Stored, kCount>;
  using Values = Vector<float, kCount>;
  static constexpr std::size_t kElementBytes = sizeof(typename Format::Stored);
  HVD_INLINE static Values widen(Stored stored) {
#if defined(HVD_HARDWARE_HALF)
    if constexpr (std::is_same_v<Format, Fp16>) {
      return half_widened(stored);
    }
#endif
    return widened<Format, kCount>(stored);
  }
  // bf16 never by AVX512-BF16: its vcvtneps2bf16 flushes subnormals, so bits would depend on the
  // CPU.
  HVD_INLINE static Stored narrow(Values values) {
#if defined(HVD_HARDWARE_HALF)
    if constexpr (std::is_same_v<Format, Fp16>) {
      return half_narrowed(one_nan<float, kCount>(values));
    }
#endif
    return cut<Stored>(narrow_bits<Format, float, kCount>(values));
  }
  HVD_INLINE static Values settled(Values values) { return widen(narrow(values)); }
};

}  // namespace hvd::HVD_KERNELS
