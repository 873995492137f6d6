// tests/collectives/kernels/every_set.h: the kernels of all instruction sets that this machine
// runs.
// Not here: kernels.
// Threads: pure functions.  Limits: none.
// Read next: collectives/kernels/kernel_table.h.
#pragma once

#include <vector>

#include "collectives/kernels/kernel_table.h"

namespace hvd {

inline std::vector<const KernelTable*> every_set() {
  std::vector<const KernelTable*> tables;
  for (const InstructionSet set : kInstructionSets) {
    if (instruction_set_available(set)) {
      tables.push_back(&kernels_for(set));
    }
  }
  return tables;
}

}  // namespace hvd
