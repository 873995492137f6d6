#include "collectives/kernels/kernel_table.h"

#include "tests/catch.h"
#include "tests/collectives/kernels/every_set.h"

namespace hvd {
namespace {

TEST_CASE("a table says of which instruction set it is", "[kernel_table]") {
  for (const InstructionSet set : kInstructionSets) {
    if (instruction_set_available(set)) {
      CHECK(kernels_for(set).instruction_set == set);
    }
  }
  CHECK(&best_kernels() == &kernels_for(best_instruction_set()));
}

}  // namespace
}  // namespace hvd
