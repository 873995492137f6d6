#define HVD_KERNELS kernels_portable
#define HVD_KERNELS_PORTABLE
#include "collectives/kernels/kernels_of_set.h"

namespace hvd::kernels_portable {

extern const KernelTable kKernels;
constinit const KernelTable kKernels = make_table(InstructionSet::portable);

}  // namespace hvd::kernels_portable
