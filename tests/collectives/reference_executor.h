// tests/collectives/reference_executor.h: runs schedules with numbers, in some turns or in all.
// Not here: proofs for any number of ranks (collectives/verifier.h), the ops
// (reference_machine.h). Threads: one.  Limits: schedules whose ops the verifier's op_fault
// accepts. Read next: mutations.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "collectives/schedule.h"
#include "core/base/random.h"
#include "tests/collectives/reference_machine.h"

namespace hvd {

struct ReferenceResult {
  bool finished = false;                        // false: deadlock, or chunks that do not fit
  std::vector<std::vector<std::byte>> outputs;  // one a rank
  std::vector<bool> saw_all_enter;              // barrier: no rank was outside when this one left
};

ReferenceResult result_of(const ReferenceMachine& machine);

// `inputs` has one vector a rank, of the elements that it contributes. Ranks take random turns.
ReferenceResult execute_schedules(const std::vector<Schedule>& schedules,
                                  const std::vector<std::vector<std::byte>>& inputs,
                                  const Arithmetic& arithmetic, int edge_slot_count,
                                  std::uint64_t seed);

struct InterleavingCount {
  std::string fault;            // of some interleaving; "" if there is none
  bool is_complete = false;     // false: more states than allowed, and the rest was not seen
  std::size_t state_count = 0;  // different ones that were gone through
  std::size_t end_count = 0;    // different ones in which no rank can go on
};
// Goes through every state that some order of the ranks' turns leads to: result_fault of every end.
InterleavingCount run_all_interleavings(const std::vector<Schedule>& schedules,
                                        const std::vector<std::vector<std::byte>>& inputs,
                                        const Arithmetic& arithmetic, int edge_slot_count,
                                        std::size_t state_count_max);

// Random mantissas, so that another order of reduction gives other bits.
std::vector<std::vector<std::byte>> random_inputs(const std::vector<Schedule>& schedules,
                                                  DType dtype, Random& random);

// Why a result is not the collective's: unfinished, far from the same sum in fp64, or not equal to
// the bit on all ranks; "" if it is right.
std::string result_fault(const std::vector<Schedule>& schedules,
                         const std::vector<std::vector<std::byte>>& inputs,
                         const Arithmetic& arithmetic, const ReferenceResult& result);

double element_as_double(const std::byte* base, std::size_t i, DType dtype);
void set_element(std::byte* base, std::size_t i, DType dtype, double value);

}  // namespace hvd
