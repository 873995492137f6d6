// core/vocabulary/reduce_op.h: how elements of several ranks become one.
// Not here: arithmetic (collectives/kernels/reduce.h).
// Threads: pure functions.  Limits: the numbers are Horovod's; users compare and print them.
// Read next: dtype.h.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/vocabulary/dtype.h"

namespace hvd {

enum class ReduceOp : std::uint8_t {
  average = 0,
  sum = 1,
  adasum = 2,
  min = 3,
  max = 4,
  product = 5,
  bit_and = 6,
  bit_or = 7,
  bit_xor = 8,
  logical_and = 9,
  logical_or = 10,
  logical_xor = 11,
  premultiplied_sum = 12,  // a sum in which every rank's prescale is its own factor
};
inline constexpr int kReduceOpCount = 13;

constexpr bool valid_reduce_op(int value) { return value >= 0 && value < kReduceOpCount; }
std::string_view reduce_op_name(ReduceOp op);
// Integers: all but adasum. Booleans: the same without average and premultiplied sum; sum and max
// are their "or", product and min their "and". Floating types: all but bitwise and logical ones.
// Complex types: sum, average, product, premultiplied sum.
bool reduce_supported(ReduceOp op, DType dtype);

}  // namespace hvd
