// core/vocabulary/work_item.h: agreed work: a scatter list of tensors that one schedule handles.
// Not here: who agreed (stages/negotiator.h), how it is run (ports/data_plane.h).
// Threads: values, owned by the baton holder.  Limits: one dtype and one operation per item.
// Read next: ports/data_plane.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/vocabulary/collective.h"
#include "core/vocabulary/group.h"
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

// By which way of agreement an item came: by an answer of the root, or by a plan.
enum class WorkStream : std::uint8_t { negotiated, planned };
inline constexpr std::size_t kWorkStreamCount = 2;

struct WorkItem {
  std::shared_ptr<const Group> group;  // null: all ranks of the job. ranks below are of the group
  // Counts the items of the job, equal on all ranks; a rank that has no part in one, of two other
  // ranks' point-to-point, skips its number.
  std::uint64_t id = 0;
  // Items of one stream are started in the same order on all ranks and count by themselves; streams
  // wait for nothing of each other.
  WorkStream stream = WorkStream::negotiated;
  CollectiveKind kind = CollectiveKind::barrier;
  DType dtype = DType::uint8;
  ReduceOp op = ReduceOp::sum;
  Rank root = kRoot;
  double prescale = 1.0;
  double postscale = 1.0;  // includes 1 / rank count for an average
  ScheduleChoice choice = 0;
  // allreduce, broadcast, reduce, send, recv: inputs and outputs of equal element counts. A rank
  // that has no use for one of the two (the output of a reduce but on the root, the input of a
  // recv) may leave it null. All other kinds have one segment, whose element_count is not looked
  // at:
  //   allgather       input counts[rank], output sum(counts)
  //   reduce_scatter  input sum(counts), output counts[rank]
  //   alltoall        input sum(send_counts), output sum(counts)
  //   gather          input counts[rank], output sum(counts) on the root
  //   scatter         input sum(counts) on the root, output counts[rank]
  std::vector<WorkSegment> segments;
  // Elements per rank of the group. alltoall: what this rank receives from each rank.
  std::vector<std::size_t> counts;
  std::vector<std::size_t> send_counts;  // alltoall only: what this rank sends to each rank
  Rank peer;                             // send, recv: the other rank
  std::string label;                     // the first tensor's name, for error texts

  std::size_t element_count() const {
    std::size_t count = 0;
    for (const WorkSegment& segment : segments) {
      count += segment.element_count;
    }
    return count;
  }
};

}  // namespace hvd
