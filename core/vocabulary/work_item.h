// core/vocabulary/work_item.h: agreed work: a scatter list of tensors that one schedule handles.
// Not here: who agreed (stages/negotiator.h), how it is run (ports/data_plane.h).
// Threads: values, owned by the baton holder.  Limits: one dtype and one operation per item.
// Read next: ports/data_plane.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/vocabulary/collective.h"
#include "core/vocabulary/rank.h"
#include "core/vocabulary/reduce_op.h"

namespace hvd {

// Chosen by the root's data plane and handed out with the answer: which algorithm, which chunk
// size. Opaque to core; equal on all ranks.
using ScheduleChoice = std::uint64_t;

// One tensor's piece of the item's virtual vector: the pieces in order are that vector.
struct WorkSegment {
  const std::byte* input = nullptr;
  std::byte* output = nullptr;  // may equal input
  std::size_t element_count = 0;
};

struct WorkItem {
  std::uint64_t id = 0;  // counts the items that this runtime started; equal on all ranks
  CollectiveKind kind = CollectiveKind::barrier;
  DType dtype = DType::uint8;
  ReduceOp op = ReduceOp::sum;
  Rank root = kRoot;
  double prescale = 1.0;
  double postscale = 1.0;  // includes 1 / rank count for an average
  ScheduleChoice choice = 0;
  // allreduce, broadcast: inputs and outputs of equal element counts, on all ranks.
  // allgather: one segment; input of gather_counts[rank] elements, output of their sum.
  std::vector<WorkSegment> segments;
  std::vector<std::size_t> gather_counts;  // allgather only: elements per rank
  std::string label;                       // the first tensor's name, for error texts

  std::size_t element_count() const {
    std::size_t count = 0;
    for (const WorkSegment& segment : segments) {
      count += segment.element_count;
    }
    return count;
  }
};

}  // namespace hvd
