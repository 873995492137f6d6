// core/stages/operation.h: one submitted request on its way, and what became of it.
// Not here: how callers find and wait for it (handle_table.h).
// Threads: the baton holder writes the outcome, then sets done; everyone else reads after done.
// Limits: none.  Read next: handle_table.h.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "core/base/status.h"
#include "core/vocabulary/request.h"

namespace hvd {

using HandleId = std::uint64_t;  // 0 is never one

struct FreeMemory {
  void operator()(std::byte* memory) const { std::free(memory); }
};
// malloc'ed rather than new'ed: an output is written completely, so zeroing it would be a pass
// lost.
using OwnedBytes = std::unique_ptr<std::byte, FreeMemory>;

struct Operation {
  HandleId handle = 0;
  Request request;
  Time submitted_at = 0;

  Status status;
  // Where the runtime makes the result (makes_result()): what came, and of which shape and dtype.
  OwnedBytes result;
  DType result_dtype = DType::uint8;
  Shape result_shape;
  std::vector<std::int64_t> received_splits;  // alltoall: the rows that came from each rank
  std::atomic<bool> done{false};

  // A grouped operation's: one for each tensor, in order, known to nobody by name or handle. Its
  // request says what they have in common, and it is done when all of them are.
  std::vector<Operation> members;
  Operation* whole = nullptr;        // a member's: the grouped operation
  std::size_t unfinished_count = 0;  // members that are not done
};

using OperationPtr = std::shared_ptr<Operation>;

// Keeps the grouped operation alive.
inline OperationPtr member_of(const OperationPtr& whole, std::size_t index) {
  return {whole, &whole->members[index]};
}

}  // namespace hvd
