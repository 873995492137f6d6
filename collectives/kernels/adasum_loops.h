// collectives/kernels/adasum_loops.h: Adasum's three dot products and its weighted sum, in fp64.
// Not here: the weights (adasum.h).
// Threads: pure functions.  Limits: as vectors.h.
// Read next: kernels_of_set.h.
#pragma once

#include "collectives/kernels/kernel_table.h"
#include "collectives/kernels/lanes.h"

namespace hvd::HVD_KERNELS {

// The order of additions is the same for every instruction set: element i is added to sum i mod 16,
// one after the other; then the 16 are added in pairs.
inline constexpr int kAdasumSums = 16;

template <typename Lanes>
struct AdasumLoops {
  static constexpr int kCount = Lanes::kCount;
  static constexpr int kParts = kAdasumSums / kCount;
  static_assert(kAdasumSums % kCount == 0);
  using Doubles = Vector<double, kCount>;
  using Stored = typename Lanes::Stored;
  using Values = typename Lanes::Values;
  static constexpr std::size_t kRoundBytes = kAdasumSums * Lanes::kElementBytes;

  HVD_INLINE static Doubles doubles(const std::byte* from) {
    return __builtin_convertvector(Lanes::widen(load<Stored>(from)), Doubles);
  }

  struct Sums {
    Doubles ab[kParts] = {};
    Doubles aa[kParts] = {};
    Doubles bb[kParts] = {};

    HVD_INLINE void add(const std::byte* a_from, const std::byte* b_from) {
      for (int part = 0; part < kParts; ++part) {
        const std::size_t at = static_cast<std::size_t>(part) * sizeof(Stored);
        const Doubles a = doubles(a_from + at);
        const Doubles b = doubles(b_from + at);
        ab[part] += a * b;
        aa[part] += a * a;
        bb[part] += b * b;
      }
    }
  };

  static double total(const Doubles (&parts)[kParts]) {
    double sums[kAdasumSums];
    __builtin_memcpy(sums, parts, sizeof(sums));
    for (int half = kAdasumSums / 2; half > 0; half /= 2) {
      for (int i = 0; i < half; ++i) {
        sums[i] += sums[i + half];
      }
    }
    return sums[0];
  }

  static AdasumProducts products(const std::byte* a, const std::byte* b, std::size_t count) {
    const std::size_t bytes = count * Lanes::kElementBytes;
    Sums sums;
    std::size_t at = 0;
    for (; at + kRoundBytes <= bytes; at += kRoundBytes) {
      sums.add(a + at, b + at);
    }
    if (at < bytes) {  // zeros are added for what is missing
      std::byte a_part[kRoundBytes] = {};
      std::byte b_part[kRoundBytes] = {};
      __builtin_memcpy(a_part, a + at, bytes - at);
      __builtin_memcpy(b_part, b + at, bytes - at);
      sums.add(a_part, b_part);
    }
    return {.ab = total(sums.ab), .aa = total(sums.aa), .bb = total(sums.bb)};
  }

  HVD_INLINE static Stored narrowed(Doubles values) {
    if constexpr (std::is_same_v<typename Lanes::Value, double>) {
      return Lanes::narrow(values);
    } else if constexpr (Lanes::kElementBytes == 4) {
      return Lanes::narrow(__builtin_convertvector(values, Values));
    } else {
      using Format = typename Lanes::Format;
      return __builtin_convertvector((narrow_bits<Format, double, kCount>(values)), Stored);
    }
  }

  static void combine(std::byte* dst, const std::byte* a, double a_factor, const std::byte* b,
                      double b_factor, std::size_t count) {
    const auto step = [a_factor, b_factor](const std::byte* left, const std::byte* right) {
      return narrowed(doubles(left) * a_factor + doubles(right) * b_factor);
    };
    const std::size_t bytes = count * Lanes::kElementBytes;
    std::size_t at = 0;
    for (; at + sizeof(Stored) <= bytes; at += sizeof(Stored)) {
      store(dst + at, step(a + at, b + at));
    }
    if (at < bytes) {
      std::byte a_part[sizeof(Stored)] = {};
      std::byte b_part[sizeof(Stored)] = {};
      __builtin_memcpy(a_part, a + at, bytes - at);
      __builtin_memcpy(b_part, b + at, bytes - at);
      store(a_part, step(a_part, b_part));
      __builtin_memcpy(dst + at, a_part, bytes - at);
    }
  }
};

}  // namespace hvd::HVD_KERNELS
