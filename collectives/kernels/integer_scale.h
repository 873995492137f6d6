// collectives/kernels/integer_scale.h: scale() for integers and booleans.
// Not here: floating and complex types, and the rules (scale.h).
// Threads: pure functions.  Limits: dst is src or does not overlap it; no alignment needed.
// Read next: scale.h.
#pragma once

#include <cstddef>

#include "core/vocabulary/dtype.h"

namespace hvd {

// dtype is neither floating nor complex.
void scale_integers(std::byte* dst, const std::byte* src, double factor, std::size_t count,
                    DType dtype);

}  // namespace hvd
