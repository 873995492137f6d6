// core/ports/idle.h: how the baton holder polls, sleeps and is woken; the one way to sleep.
// Not here: who holds the baton (stages/baton.h); descriptors (backends/net/poller_idle.h).
// Threads: as said at each call.  Limits: none.
// Read next: stages/baton.h.
#pragma once

#include "core/base/clock.h"

namespace hvd {

// Two places to sleep. The baton holder that is a user's thread sleeps in sleep(). The background
// thread parks outside the baton; while a user's thread holds the baton, the parked thread does not
// see activity (claim), so that one message does not wake two threads.
class Idle {
 public:
  Idle() = default;
  virtual ~Idle() = default;
  Idle(const Idle&) = delete;
  Idle& operator=(const Idle&) = delete;

  // Baton holder. Handles whatever is ready, without blocking; true if there was anything.
  virtual bool poll() = 0;
  // Baton holder. Blocks until activity, ring(), a signal, or `until`; then handles what is ready.
  // True if a signal ended it.
  virtual bool sleep(Time until) = 0;
  // Any thread: ends the current sleep() or park(), or the next one if none is under way.
  virtual void ring() = 0;

  // Baton holder (a user's thread): from now on activity does not wake the parked thread / does.
  virtual void claim() = 0;
  virtual void unclaim() = 0;
  // Background thread, without the baton: blocks until activity (unless claimed), ring() (unless
  // claimed), ring_parked(), or `until`. Handles nothing.
  virtual void park(Time until) = 0;
  // Likewise, while another thread has the baton and so handles all activity: blocks until
  // ring_parked() or `until`.
  virtual void nap(Time until) = 0;
  // Any thread: ends park(), also while claimed, and nap().
  virtual void ring_parked() = 0;
};

}  // namespace hvd
