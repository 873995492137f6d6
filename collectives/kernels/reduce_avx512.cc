#define HVD_KERNELS kernels_avx512

#include "collectives/kernels/kernels_of_set.h"

namespace hvd::kernels_avx512 {

extern const KernelTable kKernels;
constinit const KernelTable kKernels = make_table(InstructionSet::avx512);

}  // namespace hvd::kernels_avx512
