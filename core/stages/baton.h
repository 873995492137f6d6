// core/stages/baton.h: who holds the baton runs the coordinator; nobody waits for it here.
// Not here: sleeping and waking (ports/idle.h), the rules of handing over (coordinator.h).
// Threads: any.  Limits: none.
// Read next: coordinator.h.
#pragma once

#include <atomic>

#include "core/base/thread_annotations.h"

namespace hvd {

class HVD_CAPABILITY("baton") Baton {
 public:
  bool try_take() HVD_TRY_ACQUIRE(true) {
    // Sequentially consistent: whoever fails has first said that it wants the baton (progress.cc).
    return !held_.load(std::memory_order_seq_cst) &&
           !held_.exchange(true, std::memory_order_seq_cst);
  }
  bool taken() const { return held_.load(std::memory_order_seq_cst); }
  void give_back() HVD_RELEASE() { held_.store(false, std::memory_order_seq_cst); }

 private:
  std::atomic<bool> held_{false};
};

}  // namespace hvd
