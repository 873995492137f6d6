// tests/collectives/kernels/naive_reduction.h: reductions one element at a time, to compare kernels
// with.
// Not here: kernels.
// Threads: pure functions.  Limits: dst overlaps no source.
// Read next: reduce_many_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "core/vocabulary/dtype.h"
#include "core/vocabulary/reduce_op.h"

namespace hvd {

// From left to right, in the type's own arithmetic (fp32 for the narrow ones), rounded once.
void naive_reduce(std::byte* dst, std::span<const std::byte* const> sources, std::size_t count,
                  DType dtype, ReduceOp op);

// All but adasum.
void for_each_reduction(const std::function<void(DType, ReduceOp)>& use);

// Random bits, of which one in four is a number that is special to the type: zeros, infinities,
// NaN with payloads, subnormals, the largest and the smallest. Floats are often of like size, so
// that sums round.
std::vector<std::byte> mixed_values(DType dtype, std::size_t count, Random& random);

// Where two memories differ first: "" or "element 3 of uint16 product: 01 02, expected 01 03".
std::string difference(std::span<const std::byte> found, std::span<const std::byte> expected,
                       DType dtype, ReduceOp op);

}  // namespace hvd
