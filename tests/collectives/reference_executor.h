// tests/collectives/reference_executor.h: runs schedules with numbers, ranks in random turns.
// Not here: proofs (collectives/verifier.h); this one only sees the interleavings it happens to
// run. Threads: one.  Limits: schedules whose ops the verifier's op_fault accepts. Read next:
// mutations.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collectives/schedule.h"
#include "core/base/random.h"
#include "core/vocabulary/dtype.h"
#include "core/vocabulary/reduce_op.h"

namespace hvd {

struct Arithmetic {
  DType dtype = DType::float32;
  ReduceOp op = ReduceOp::sum;
  double prescale = 1.0;
  double postscale = 1.0;
};

struct ReferenceResult {
  bool finished = false;                        // false: deadlock, or chunks that do not fit
  std::vector<std::vector<std::byte>> outputs;  // one a rank
  std::vector<bool> saw_all_enter;              // barrier: no rank was outside when this one left
};

// `inputs` has one vector a rank, of the elements that its input has. Output, scratch and slots
// start as bytes that make conspicuous numbers.
ReferenceResult execute_schedules(const std::vector<Schedule>& schedules,
                                  const std::vector<std::vector<std::byte>>& inputs,
                                  const Arithmetic& arithmetic, int edge_slot_count,
                                  std::uint64_t seed);

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
