#define HVD_KERNELS kernels_neon

#include "collectives/kernels/kernels_of_set.h"

namespace hvd::kernels_neon {

extern const KernelTable kKernels;
constinit const KernelTable kKernels = make_table(InstructionSet::neon);

}  // namespace hvd::kernels_neon
