#include "collectives/kernels/instruction_set.h"

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("the best instruction set is available, and so is the portable one",
          "[instruction_set]") {
  CHECK(instruction_set_available(best_instruction_set()));
  CHECK(instruction_set_available(InstructionSet::portable));
}

TEST_CASE("a wider instruction set is better", "[instruction_set]") {
  for (const InstructionSet set : {InstructionSet::avx2, InstructionSet::avx512}) {
    if (instruction_set_available(set)) {
      CHECK(best_instruction_set() >= set);
    }
  }
#if defined(__aarch64__)
  CHECK(best_instruction_set() == InstructionSet::neon);
#endif
}

TEST_CASE("every instruction set has a name of its own", "[instruction_set]") {
  CHECK(instruction_set_name(InstructionSet::portable) == "portable");
  CHECK(instruction_set_name(InstructionSet::avx2) == "avx2");
  CHECK(instruction_set_name(InstructionSet::avx512) == "avx512");
  CHECK(instruction_set_name(InstructionSet::neon) == "neon");
}

}  // namespace
}  // namespace hvd
