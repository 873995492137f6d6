#define HVD_KERNELS kernels_avx2

#include "collectives/kernels/kernels_of_set.h"

namespace hvd::kernels_avx2 {

extern const KernelTable kKernels;
constinit const KernelTable kKernels = make_table(InstructionSet::avx2);

}  // namespace hvd::kernels_avx2
