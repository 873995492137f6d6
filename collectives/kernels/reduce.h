// collectives/kernels/reduce.h: dst[i] = a[i] (op) b[i] over elements of one type.
// Not here: scaling (scale.h), in which order ranks are combined (generators/).
// Threads: pure functions.  Limits: dst is a, is b, or overlaps neither; no alignment needed.
// Read next: half.h, tests/collectives/kernels/reduce_test.cc.
#pragma once

#include <cstddef>

#include "core/vocabulary/dtype.h"
#include "core/vocabulary/reduce_op.h"

namespace hvd {

// reduce_supported(op, dtype) must hold. An average adds; dividing is the postscale's work.
// - fp16, bf16 and fp8 are computed in fp32 and rounded to nearest even once per call. What does
//   not fit e4m3, which has no infinity, becomes NaN.
// - NaN: sum, product, min and max give the quiet NaN with an empty payload and no sign if an
//   operand is NaN or the result is none (inf - inf). So the bits of a result never depend on which
//   of two NaN came first, nor on the instructions that a compiler chose.
// - min(-0, +0) is -0 and max(-0, +0) is +0, in either order.
// - Integers wrap around. The sum of booleans is their logical or, the product their and. Logical
//   operations take anything but 0 as true and give 0 or 1.
// - A complex sum adds the parts, each as a float; a product is (ac - bd) + (ad + bc)i.
void reduce(std::byte* dst, const std::byte* a, const std::byte* b, std::size_t count, DType dtype,
            ReduceOp op);

}  // namespace hvd
