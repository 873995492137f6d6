#include "collectives/kernels/instruction_set.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace hvd {
namespace {

#if defined(__x86_64__)
// Clang 14 has no has_f16c(). Its registers are those of AVX.
bool has_f16c() {
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  return __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_F16C) != 0;
}
#endif

}  // namespace

std::string_view instruction_set_name(InstructionSet set) {
  constexpr std::array<std::string_view, kInstructionSets.size()> names = {"portable", "avx2",
                                                                           "avx512", "neon"};
  return names[static_cast<std::size_t>(set)];
}

bool instruction_set_available(InstructionSet set) {
  switch (set) {
    case InstructionSet::portable:
      return true;
#if defined(__x86_64__)
    // The built-in asks the operating system too: registers that it does not save do not count.
    case InstructionSet::avx2:
      return __builtin_cpu_supports("avx2") && has_f16c();
    case InstructionSet::avx512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") && has_f16c();
#elif defined(__aarch64__)
    case InstructionSet::neon:
      return true;
#endif
    default:
      return false;
  }
}

InstructionSet best_instruction_set() {
  for (const InstructionSet set :
       {InstructionSet::avx512, InstructionSet::avx2, InstructionSet::neon}) {
    if (instruction_set_available(set)) {
      return set;
    }
  }
  return InstructionSet::portable;
}

}  // namespace hvd
