// core/stages/submit_queue.h: the door: checks what can be checked on this rank, then queues.
// Not here: agreement with other ranks (negotiator.h).
// Threads: submit from any; drain and forget_name by the baton holder.
// Limits: names up to kNameBytesMax, one pending operation a name.  Read next: negotiator.h.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/mutex.h"
#include "core/base/reused_map.h"
#include "core/stages/operation.h"

namespace hvd {

// The caller's mistakes: range of root and peer, dtype and operation that do not go together,
// shapes, row counts, nulls, memory that overlaps. `self` is the rank that asks.
Status check_request(const Request& request, Rank self, int rank_count);

class SubmitQueue {
 public:
  // Refuses a name that is pending here, and everything once closed.
  Status submit(const OperationPtr& operation) HVD_EXCLUDES(mutex_);
  // Appends all that was queued to `operations`, oldest first.
  void drain(std::vector<OperationPtr>& operations) HVD_EXCLUDES(mutex_);
  bool empty() const HVD_EXCLUDES(mutex_);
  // The name may be submitted again. To be called before its operation becomes done.
  void forget_name(const std::string& name) HVD_EXCLUDES(mutex_);
  // From now on submit fails with `reason`; the first reason stays.
  void close(const Status& reason) HVD_EXCLUDES(mutex_);

 private:
  struct Nothing {};

  mutable Mutex mutex_;
  std::vector<OperationPtr> queued_ HVD_GUARDED_BY(mutex_);
  // Of operations that are not done, which have them.
  ReusedMap<std::string_view, Nothing> pending_names_ HVD_GUARDED_BY(mutex_);
  Status closed_ HVD_GUARDED_BY(mutex_);
};

}  // namespace hvd
