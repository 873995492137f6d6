#include "collectives/kernels/kernel_table.h"

#include "core/base/check.h"

namespace hvd {

// Each is defined by reduce_SET.cc, which is compiled with that set's flags.
namespace kernels_portable {
extern const KernelTable kKernels;
}
#if defined(__x86_64__)
namespace kernels_avx2 {
extern const KernelTable kKernels;
}
namespace kernels_avx512 {
extern const KernelTable kKernels;
}
#elif defined(__aarch64__)
namespace kernels_neon {
extern const KernelTable kKernels;
}
#endif

const KernelTable& kernels_for(InstructionSet set) {
  HVD_CHECK(instruction_set_available(set));
  switch (set) {
#if defined(__x86_64__)
    case InstructionSet::avx2:
      return kernels_avx2::kKernels;
    case InstructionSet::avx512:
      return kernels_avx512::kKernels;
#elif defined(__aarch64__)
    case InstructionSet::neon:
      return kernels_neon::kKernels;
#endif
    default:
      return kernels_portable::kKernels;
  }
}

const KernelTable& best_kernels() {
  static const KernelTable& kernels = kernels_for(best_instruction_set());
  return kernels;
}

}  // namespace hvd
