// collectives/kernels/instruction_set.h: the instruction sets that kernels are compiled for.
// Not here: the kernels of one (kernel_table.h).
// Threads: pure functions.  Limits: the bits of a result never depend on the choice.
// Read next: kernel_table.h.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace hvd {

enum class InstructionSet : std::uint8_t {
  portable = 0,  // what every CPU of the architecture has (x86-64: SSE2)
  avx2 = 1,      // with F16C
  avx512 = 2,    // F, BW, VL, DQ
  neon = 3,      // with the fp16 conversions that every AArch64 has
};
inline constexpr std::array<InstructionSet, 4> kInstructionSets = {
    InstructionSet::portable, InstructionSet::avx2, InstructionSet::avx512, InstructionSet::neon};

std::string_view instruction_set_name(InstructionSet set);
// Compiled into this library, and this CPU and its kernel run it.
bool instruction_set_available(InstructionSet set);
// The widest that is available.
InstructionSet best_instruction_set();

}  // namespace hvd
