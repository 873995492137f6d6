// core/base/thread_role.h: a capability without a lock: "this code runs on that thread".
// Not here: mutual exclusion (mutex.h), the baton (stages/baton.h).
// Threads: compile time only.  Limits: none.
// Read next: stages/baton.h, then docs/decisions/0005-thread-roles.md.
#pragma once

#include "core/base/thread_annotations.h"

namespace hvd {

// Members that only one thread may touch are HVD_GUARDED_BY a ThreadRole; a function that knows
// that it runs there says so with assert_held(), once, at its entry.
class HVD_CAPABILITY("thread role") ThreadRole {
 public:
  void assert_held() const HVD_ASSERT_CAPABILITY(this) {}
};

}  // namespace hvd
