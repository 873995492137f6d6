#define HVD_KERNELS kernels_avx512

// Without the flags of its set (collectives/meson.build) this would compile, and be slow.
#ifndef __AVX512BW__
#error "compile this file for its instruction set"
#endif

#include "collectives/kernels/kernels_of_set.h"

namespace hvd::kernels_avx512 {

extern const KernelTable kKernels;
constinit const KernelTable kKernels = make_table(InstructionSet::avx512);

}  // namespace hvd::kernels_avx512
