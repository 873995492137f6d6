// core/stages/operation.h: one submitted request on its way, and what became of it.
// Not here: how callers find and wait for it (handle_table.h).
// Threads: the baton holder writes the outcome, then sets done; everyone else reads after done.
// Limits: none.  Read next: handle_table.h.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/base/status.h"
#include "core/stages/result_pool.h"
#include "core/vocabulary/request.h"

namespace hvd {

using HandleId = std::uint64_t;  // 0 is never one

struct Operation {
  HandleId handle = 0;
  Request request;
  Time submitted_at = 0;

  Status status;
  // makes_result(): what came, and of which shape and dtype. `result` is null where it went to the
  // memory that the request gave.
  ResultPool::Bytes result;
  DType result_dtype = DType::uint8;
  Shape result_shape;
  std::vector<std::int64_t> received_splits;  // alltoall: the rows that came from each rank
  // Why the memory that the request gave could not take the result, which is in `result` instead:
  // the operation's status once all else went well.
  Status output_fault;
  bool result_is_whole = false;  // the item went well, whatever becomes of its output
  std::atomic<bool> done{false};
  bool after_wait = false;  // ReadyEntry::waited
  // Since when somebody waits for it; kNever: nobody does.
  mutable std::atomic<Time> awaited_since{kNever};
  Nanos waited_in_plan = 0;  // from its submission to the end of the plan that had it
  Nanos nudge_pause = 0;     // plan_lane.h: between the last nudge and the next

  // A grouped operation's: one for each tensor, in order, known to nobody by name or handle. Its
  // request says what they have in common, and it is done when all of them are.
  std::vector<Operation> members;
  Operation* whole = nullptr;        // a member's: the grouped operation
  std::size_t unfinished_count = 0;  // members that are not done
  std::size_t unstarted_count = 0;   // members that a plan has not started
};

using OperationPtr = std::shared_ptr<Operation>;

// Keeps the grouped operation alive.
inline OperationPtr member_of(const OperationPtr& whole, std::size_t index) {
  return {whole, &whole->members[index]};
}

}  // namespace hvd
