// core/vocabulary/request.h: what one rank asks for: one operation on one named tensor.
// Not here: what all ranks agreed on (work_item.h).
// Threads: values; built by the submitting thread, then owned by the coordinator.
// Limits: names up to kNameBytesMax.  Read next: work_item.h.
#pragma once

#include <cstddef>
#include <string>

#include "core/base/clock.h"
#include "core/vocabulary/collective.h"
#include "core/vocabulary/rank.h"
#include "core/vocabulary/reduce_op.h"
#include "core/vocabulary/tensor_ref.h"

namespace hvd {

inline constexpr std::size_t kNameBytesMax = 1024;

struct Request {
  CollectiveKind kind = CollectiveKind::barrier;
  std::string name;
  TensorRef input;
  // allreduce: output of the input's shape, may be the same memory. broadcast: input and output are
  // the same memory on every rank. allgather: no output; the runtime allocates it when it knows the
  // sizes of all ranks.
  std::byte* output = nullptr;
  ReduceOp op = ReduceOp::sum;
  Rank root = kRoot;
  double prescale = 1.0;
  double postscale = 1.0;
  Nanos deadline = 0;  // time from submission until the operation is an error; 0 means never
};

}  // namespace hvd
