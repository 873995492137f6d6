// collectives/kernels/elements.h: element types one at a time: how they lie in memory, how they are
// computed with.
// Not here: vectors of them (lanes.h).
// Threads: pure functions.  Limits: none.
// Read next: lanes.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "collectives/kernels/float8.h"
#include "collectives/kernels/half.h"

namespace hvd {

// Each element type has Stored, what lies in memory, and Value, what is computed with. Memory is
// read and written by memcpy: user memory needs no alignment, and the compiler still sees a vector
// load.
//
// A NaN that is stored is always the one quiet NaN without payload and sign, see reduce.h.
template <typename T>
struct PlainElement {
  using Stored = T;
  using Value = T;
  static constexpr Value value(Stored stored) { return stored; }
  static constexpr Stored stored(Value value) {
    if constexpr (std::is_floating_point_v<T>) {
      // NOLINTNEXTLINE(misc-redundant-expression): a NaN differs from itself
      return value == value ? value : std::numeric_limits<T>::quiet_NaN();
    } else {
      return value;
    }
  }
};
struct HalfElement {
  using Stored = std::uint16_t;
  using Value = float;
  static constexpr Value value(Stored stored) { return half_to_float(stored); }
  static constexpr Stored stored(Value value) { return float_to_half<NarrowNan::canonical>(value); }
};
struct Bfloat16Element {
  using Stored = std::uint16_t;
  using Value = float;
  static constexpr Value value(Stored stored) { return bfloat16_to_float(stored); }
  static constexpr Stored stored(Value value) {
    return float_to_bfloat16<NarrowNan::canonical>(value);
  }
};
template <const Float8Layout& kLayout>
struct Float8Element {
  using Stored = std::uint8_t;
  using Value = float;
  static constexpr Value value(Stored stored) { return float8_to_float(stored, kLayout); }
  static constexpr Stored stored(Value value) { return float_to_float8(value, kLayout); }
};
using E4m3Element = Float8Element<kE4m3>;
using E5m2Element = Float8Element<kE5m2>;
// Any byte but 0 counts as true, and only 0 and 1 are written.
struct BoolElement {
  using Stored = std::uint8_t;
  using Value = bool;
  static constexpr Value value(Stored stored) { return stored != 0; }
  static constexpr Stored stored(Value value) { return value ? 1 : 0; }
};

template <typename Element>
typename Element::Value load(const std::byte* base, std::size_t i) {
  typename Element::Stored stored;
  std::memcpy(&stored, base + i * sizeof(stored), sizeof(stored));
  return Element::value(stored);
}

template <typename Element>
void store(std::byte* base, std::size_t i, typename Element::Value value) {
  const typename Element::Stored stored = Element::stored(value);
  std::memcpy(base + i * sizeof(stored), &stored, sizeof(stored));
}

}  // namespace hvd

// The loop's iterations are independent although dst may be one of the sources. Without this word
// the compiler takes its scalar loop exactly then, which is the usual case.
#if defined(__clang__)
#define HVD_INDEPENDENT_ITERATIONS _Pragma("clang loop vectorize(assume_safety)")
#else
#define HVD_INDEPENDENT_ITERATIONS _Pragma("GCC ivdep")
#endif
