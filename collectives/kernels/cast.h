// collectives/kernels/cast.h: fp32 and fp64 to the narrow types of a wire and back.
// Not here: fp8 and integers, which no wire carries instead of another type.
// Threads: pure functions.  Limits: wide is fp32 or fp64, wire fp16 or bf16; no alignment needed.
// Read next: half.h.
#pragma once

#include <cstddef>

#include "core/vocabulary/dtype.h"
#include "core/vocabulary/reduce_op.h"

namespace hvd {

struct KernelTable;

// A wire type and the type that is sent as it.
struct WireCast {
  DType wide = DType::float32;
  DType wire = DType::bfloat16;
};
bool wire_cast_supported(const WireCast& cast);

// Rounded to nearest even, once, from fp64 too; NaN as in reduce.h. dst and src do not overlap.
void narrow(std::byte* dst, const std::byte* src, std::size_t count, const WireCast& cast);
// Exact; NaN as in reduce.h. dst and src do not overlap.
void widen(std::byte* dst, const std::byte* src, std::size_t count, const WireCast& cast);
// dst = widen(narrow(src)), both wide: what a receiver would have. dst may be src.
void narrow_round(std::byte* dst, const std::byte* src, std::size_t count, const WireCast& cast);
// dst[i] = a[i] (op) widen(wire[i]), with the bits of reduce() on the wide type. dst may be a.
// reduce_supported(op, wide) must hold, and op is not adasum.
void narrow_reduce(std::byte* dst, const std::byte* a, const std::byte* wire, std::size_t count,
                   const WireCast& cast, ReduceOp op);

// Its four kernels, of one instruction set.
struct WireKernels;
const WireKernels& wire_kernels(const KernelTable& kernels, const WireCast& cast);

}  // namespace hvd
