// collectives/kernels/copy.h: copies: plain, past the caches, scaled.
// Not here: from one type to another (cast.h).
// Threads: pure functions.  Limits: no alignment needed; dst and src do not overlap.
// Read next: cast.h.
#pragma once

#include <cstddef>

#include "core/vocabulary/dtype.h"

namespace hvd {

struct KernelTable;

void copy(std::byte* dst, const std::byte* src, std::size_t bytes);

// By non-temporal stores, which bypass this core's caches: for what another core reads next. They
// are ordered before all later stores. Where a CPU has none (NEON) as copy().
void copy_stream(std::byte* dst, const std::byte* src, std::size_t bytes);

// The bits of scale(); dst may also be src if `stream` is false.
void copy_scaled(std::byte* dst, const std::byte* src, double factor, std::size_t count,
                 DType dtype, bool stream);
void copy_scaled(const KernelTable& kernels, std::byte* dst, const std::byte* src, double factor,
                 std::size_t count, DType dtype, bool stream);

}  // namespace hvd
