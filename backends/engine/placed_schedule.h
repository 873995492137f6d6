// backends/engine/placed_schedule.h: a Schedule with the world ranks that its ranks stand for.
// Not here: running it (execution.h), keeping it (schedule_cache.h).
// Threads: constant once made.  Limits: none.
// Read next: collectives/schedule.h.
#pragma once

#include <cstddef>
#include <vector>

#include "collectives/kernels/adasum.h"
#include "collectives/schedule.h"
#include "core/vocabulary/dtype.h"

namespace hvd {

// Of an element of a chunk.
inline std::size_t wire_bytes(const Op& op, DType dtype, DType wire) {
  if (op.src == BufferKind::products || op.dst == BufferKind::products) {
    return sizeof(AdasumProducts);
  }
  return dtype_bytes((op.flags & kNarrow) != 0 ? wire : dtype);
}

// A schedule speaks of ranks within its group; wires know world ranks.
struct PlacedSchedule {
  Schedule schedule;
  std::vector<Rank> members;     // by rank in the group
  std::vector<Rank> sharers;     // schedule.slot_ranks as world ranks
  DType wire = DType::bfloat16;  // of chunks with kNarrow, if there are any
  bool reaches_tensors = false;  // of other ranks, in their arenas
};

}  // namespace hvd
