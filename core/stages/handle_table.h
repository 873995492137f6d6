// core/stages/handle_table.h: from a handle to its operation; how a waiter without the baton
// sleeps. Not here: driving progress while waiting (coordinator.h). Threads: any.  Limits: memory
// grows with operations that are not released. Read next: coordinator.h.
#pragma once

#include "core/base/mutex.h"
#include "core/base/reused_map.h"
#include "core/stages/operation.h"

namespace hvd {

class HandleTable {
 public:
  // Handles count up from `before_first` + 1. With the time of its making, a handle of an earlier
  // table never means an operation of this one.
  explicit HandleTable(HandleId before_first = 0) : last_(before_first) {}

  HandleId add(const OperationPtr& operation) HVD_EXCLUDES(mutex_);
  // Null if there is no such handle.
  OperationPtr find(HandleId handle) const HVD_EXCLUDES(mutex_);
  bool release(HandleId handle) HVD_EXCLUDES(mutex_);

  // Publishes the outcome and wakes who waits for it. An operation completes once.
  void complete(Operation& operation, Status status) HVD_EXCLUDES(mutex_);
  // Sleeps until the operation is done, notify() was called after notices() gave `notices`, or
  // until `until`.
  void sleep_until_done(const Operation& operation, Time until, std::uint64_t notices)
      HVD_EXCLUDES(mutex_);
  // Wakes all sleepers, so that one of them may take the baton.
  void notify() HVD_EXCLUDES(mutex_);
  std::uint64_t notices() const HVD_EXCLUDES(mutex_);

 private:
  mutable Mutex mutex_;
  Condition changed_;
  ReusedMap<HandleId, OperationPtr> operations_ HVD_GUARDED_BY(mutex_);
  HandleId last_ HVD_GUARDED_BY(mutex_);
  std::uint64_t notices_ HVD_GUARDED_BY(mutex_) = 0;
  int sleepers_ HVD_GUARDED_BY(mutex_) = 0;
};

}  // namespace hvd
