#define HVD_KERNELS kernels_avx2

// Without the flags of its set (collectives/meson.build) this would compile, and be slow.
#ifndef __AVX2__
#error "compile this file for its instruction set"
#endif

#include "collectives/kernels/kernels_of_set.h"

namespace hvd::kernels_avx2 {

extern const KernelTable kKernels;
constinit const KernelTable kKernels = make_table(InstructionSet::avx2);

}  // namespace hvd::kernels_avx2
