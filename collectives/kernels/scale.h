// collectives/kernels/scale.h: dst[i] = src[i] * factor over elements of one type.
// Not here: reductions (reduce.h).
// Threads: pure functions.  Limits: dst is src or does not overlap it; no alignment needed.
// Read next: tests/collectives/kernels/scale_test.cc.
#pragma once

#include <cstddef>

#include "core/vocabulary/dtype.h"

namespace hvd {

// - fp32 and fp64 are multiplied in their own type, complex numbers part by part in theirs, fp16,
//   bf16 and fp8 in fp32 with one rounding; NaN as in reduce.h.
// - Integers are multiplied as doubles and truncated toward zero; what does not fit becomes the
//   nearest that does. A factor that is 1 / d for a whole d divides exactly instead: as doubles,
//   49 * (1 / 49.0) is below 1, and the average of 49 ones would be 0.
// - A boolean stays what it is unless the factor is 0.
void scale(std::byte* dst, const std::byte* src, double factor, std::size_t count, DType dtype);

}  // namespace hvd
