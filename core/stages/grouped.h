// core/stages/grouped.h: many tensors as one operation: all of them are run, or none is.
// Members are in one message and one answer, so nobody ever has half of a group.
// Not here: what the root makes of it (root_negotiator.h, fusion.h).  Threads: pure functions.
// Limits: allreduce, allgather, reduce-scatter; kGroupTensorsMax.  Read next: operation.h.
#pragma once

#include <vector>

#include "core/stages/operation.h"

namespace hvd {

// One tensor; what all have in common is a Request without memory.
struct GroupTensor {
  TensorRef input;
  std::byte* output = nullptr;  // as Request::output, and so the next two
  Shape output_shape = {};
  DType output_dtype = DType::float32;
  bool within_reach = false;
};

// Not checked. The members' names are those that Horovod gives: "x_2of3".
OperationPtr grouped_operation(Request whole, const std::vector<GroupTensor>& tensors);
// The caller's mistakes: those of each tensor (check_request), and tensors that share memory which
// one of them writes.
Status check_group(const Operation& operation, Rank self, int rank_count);

}  // namespace hvd
