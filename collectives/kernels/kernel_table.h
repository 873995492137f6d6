// collectives/kernels/kernel_table.h: the kernels of one instruction set, as a table of functions.
// Not here: the functions to call (reduce_many.h, copy.h, cast.h, adasum.h), the loops
// (reduce_loops.h and its neighbours).
// Threads: constants.  Limits: plain types only: every instruction set's source includes this.
// Read next: kernels_of_set.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "collectives/kernels/instruction_set.h"
#include "core/vocabulary/dtype.h"
#include "core/vocabulary/reduce_op.h"

namespace hvd {

struct Destination {
  std::byte* at = nullptr;
  bool stream = false;  // by non-temporal stores, which bypass the caches
};

// One call of a reduction; one source and a postscale is a scaled copy.
struct Reduction {
  Destination dst;
  Destination dst2;  // `at` may be null
  const std::byte* const* sources = nullptr;
  std::size_t source_count = 0;
  std::size_t offset = 0;  // bytes: where to begin in each source, not in the destinations
  std::size_t count = 0;   // elements
  bool scaled = false;     // floating and complex types only
  double postscale = 1.0;  // if scaled
};

struct AdasumProducts {
  double ab = 0;
  double aa = 0;
  double bb = 0;
};

using ReduceKernel = void (*)(const Reduction&);
using CopyKernel = void (*)(std::byte* dst, const std::byte* src, std::size_t bytes);
using CastKernel = void (*)(std::byte* dst, const std::byte* src, std::size_t count);
using WireReduceKernel = void (*)(std::byte* dst, const std::byte* a, const std::byte* wire,
                                  std::size_t count);
using AdasumProductsKernel = AdasumProducts (*)(const std::byte* a, const std::byte* b,
                                                std::size_t count);
using AdasumCombineKernel = void (*)(std::byte* dst, const std::byte* a, double a_factor,
                                     const std::byte* b, double b_factor, std::size_t count);

// Between a wide type (fp32, fp64) and a wire type (fp16, bf16).
struct WireKernels {
  CastKernel narrow = nullptr;
  CastKernel widen = nullptr;
  CastKernel round = nullptr;  // wide to wide, through the wire type
  WireReduceKernel reduce[kReduceOpCount] = {};
};
inline constexpr int kWideCount = 2;  // fp32, fp64
inline constexpr int kWireCount = 2;  // fp16, bf16

struct KernelTable {
  InstructionSet instruction_set = InstructionSet::portable;
  ReduceKernel reduce[kDTypeCount][kReduceOpCount] = {};  // null where there is no such reduction
  CopyKernel copy_stream = nullptr;
  WireKernels wire[kWideCount][kWireCount] = {};
  AdasumProductsKernel adasum_products[kDTypeCount] = {};  // null where not floating
  AdasumCombineKernel adasum_combine[kDTypeCount] = {};
};

// instruction_set_available(set) must hold.
const KernelTable& kernels_for(InstructionSet set);
// Those of best_instruction_set(), which is asked once.
const KernelTable& best_kernels();

}  // namespace hvd
