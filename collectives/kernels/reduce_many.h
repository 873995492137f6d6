// collectives/kernels/reduce_many.h: dst[i] = s0[i] (op) s1[i] (op) s2[i] ..., in one pass over
// memory, into one or two destinations, scaled on the way.
// Not here: two sources and nothing else (reduce.h, whose rules hold here), one (copy.h).
// Threads: pure functions.  Limits: see below.  Read next: reduce.h.
#pragma once

#include <cstddef>
#include <span>

#include "core/vocabulary/dtype.h"
#include "core/vocabulary/reduce_op.h"

namespace hvd {

struct KernelTable;

struct ReduceMany {
  // dst2 is written by non-temporal stores, which bypass this core's caches, and ordered before
  // all later stores. Where dst2 is not aligned as its type wants, by ordinary ones.
  bool stream_dst2 = false;
  double postscale = 1.0;
};

// reduce_supported(op, dtype) must hold, and op is not adasum (adasum.h). There is at least one
// source. dst is one of the sources or overlaps none of them, and so does dst2, if it is not null;
// the two do not overlap. No alignment is needed.
// - From left to right: ((s0 op s1) op s2) op ... fp16, bf16 and fp8 stay fp32 in between and are
//   rounded once; so three sources may differ in the last bit from two calls with two.
// - The postscale gives the same bits as scale() after it.
// - One source is copied; NaN become the one NaN, and logical operations make 0 or 1 of it.
void reduce_many(std::byte* dst, std::byte* dst2, std::span<const std::byte* const> sources,
                 std::size_t count, DType dtype, ReduceOp op, const ReduceMany& options = {});

// With the kernels of one instruction set instead of the best one's.
void reduce_many(const KernelTable& kernels, std::byte* dst, std::byte* dst2,
                 std::span<const std::byte* const> sources, std::size_t count, DType dtype,
                 ReduceOp op, const ReduceMany& options = {});

}  // namespace hvd
