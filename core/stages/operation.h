// core/stages/operation.h: one submitted request on its way, and what became of it.
// Not here: how callers find and wait for it (handle_table.h).
// Threads: the baton holder writes the outcome, then sets done; everyone else reads after done.
// Limits: none.  Read next: handle_table.h.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <memory>

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
  OwnedBytes gathered;  // allgather's result
  Shape gathered_shape;
  std::atomic<bool> done{false};
};

using OperationPtr = std::shared_ptr<Operation>;

}  // namespace hvd
