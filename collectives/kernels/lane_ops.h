// collectives/kernels/lane_ops.h: the operations of reductions on vectors.
// Not here: loops (reduce_loops.h).
// Threads: pure functions.  Limits: as vectors.h; the results are those of reduce.h.
// Read next: reduce_loops.h.
#pragma once

#include "collectives/kernels/lanes.h"

namespace hvd::HVD_KERNELS {

// kGroup lanes belong together: no element begins inside a group.
struct LaneOp {
  static constexpr int kGroup = 1;
  template <typename V>
  HVD_INLINE static V first(V a) {
    return a;
  }
};

struct Sum : LaneOp {
  template <typename V>
  HVD_INLINE static V apply(V a, V b) {
    return a + b;  // the table gives integers as unsigned, which wrap around
  }
};

struct Product : LaneOp {
  template <typename V>
  HVD_INLINE static V apply(V a, V b) {
    return a * b;
  }
};

// Both ways to ask give the same bits, unless the operands are equal or one is NaN; then one gives
// a and the other b. Equal operands are the same bits or zeros of two signs, and "or" keeps the
// minus. A NaN survives "or" with anything.
struct FloatMin : LaneOp {
  template <typename V>
  HVD_INLINE static V apply(V a, V b) {
    using Bits = decltype(a < b);
    const V one_way = a < b ? a : b;
    const V other_way = b < a ? b : a;
    return reinterpret_cast<V>(reinterpret_cast<Bits>(one_way) | reinterpret_cast<Bits>(other_way));
  }
};

struct FloatMax : LaneOp {
  template <typename V>
  HVD_INLINE static V apply(V a, V b) {
    return -FloatMin::apply(-a, -b);
  }
};

struct IntegerMin : LaneOp {
  template <typename V>
  HVD_INLINE static V apply(V a, V b) {
    return a < b ? a : b;
  }
};

struct IntegerMax : LaneOp {
  template <typename V>
  HVD_INLINE static V apply(V a, V b) {
    return a > b ? a : b;
  }
};

struct BitAnd : LaneOp {
  template <typename V>
  HVD_INLINE static V apply(V a, V b) {
    return a & b;
  }
};

struct BitOr : LaneOp {
  template <typename V>
  HVD_INLINE static V apply(V a, V b) {
    return a | b;
  }
};

struct BitXor : LaneOp {
  template <typename V>
  HVD_INLINE static V apply(V a, V b) {
    return a ^ b;
  }
};

// What is not 0 is true, and what is true is 1. `Bitwise` works on such values.
template <typename Bitwise>
struct Logical : LaneOp {
  template <typename V>
  HVD_INLINE static V first(V a) {
    return reinterpret_cast<V>(a != V{}) & (V{} + 1);
  }
  template <typename V>
  HVD_INLINE static V apply(V a, V b) {
    return Bitwise::apply(a, first(b));
  }
};

// Lanes are real and imaginary parts in turn. As the schoolbook says: no second look at results
// that are NaN, which C's annex G would take.
struct ComplexProduct : LaneOp {
  static constexpr int kGroup = 2;
  template <typename V>
  HVD_INLINE static V apply(V a, V b) {
    // The even lanes of direct and crossed are re * re and re * im, the odd ones im * im and
    // im * re.
    const V direct = a * b;
    const V crossed = a * swapped(b);
    const V real = direct - swapped(direct);
    const V imaginary = crossed + swapped(crossed);
    return odd_lanes<V>() ? imaginary : real;
  }

 private:
  template <typename V>
  static constexpr int kCountOf = static_cast<int>(sizeof(V) / sizeof(V{}[0]));
  template <typename V>
  HVD_INLINE static auto odd_lanes() {
    decltype(V{} < V{}) mask{};
    for (int i = 1; i < kCountOf<V>; i += 2) {
      mask[i] = -1;
    }
    return mask;
  }
  template <typename V>
  HVD_INLINE static V swapped(V a) {
    if constexpr (kCountOf<V> == 2) {
      return __builtin_shufflevector(a, a, 1, 0);
    } else if constexpr (kCountOf<V> == 4) {
      return __builtin_shufflevector(a, a, 1, 0, 3, 2);
    } else if constexpr (kCountOf<V> == 8) {
      return __builtin_shufflevector(a, a, 1, 0, 3, 2, 5, 4, 7, 6);
    } else {
      return __builtin_shufflevector(a, a, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
    }
  }
};

}  // namespace hvd::HVD_KERNELS
