// core/stages/progress.h: who drives the coordinator when: the background thread and the waiters.
// A user's thread that blocks in wait takes the baton and drives progress inline; otherwise the
// background thread drives and sleeps at once. Lost wake-ups are excluded by one order of steps:
// announce the sleep, look once more, sleep (coordination.md, "Threads").
// Not here: what a pass does (coordinator.h).  Threads: any.  Limits: none.
// Read next: coordinator.h.
#pragma once

#include <atomic>

#include "core/base/thread.h"
#include "core/ports/idle.h"
#include "core/stages/coordinator.h"

namespace hvd {

enum class WaitOutcome { done, timed_out, interrupted };

// How a blocked user's thread polls before it sleeps.
struct SpinPolicy {
  Nanos length = 0;
  // So long it keeps the core to itself; then it gives it away between two looks, since whoever it
  // waits for may need it. On a core that nobody else wants, giving it away costs 0.3 us.
  Nanos hold = 0;
  // A sleeping waiter looks at its operation, the clock and signals at least this often.
  Nanos look_again = 500 * kMillisecond;
};

class Progress {
 public:
  Progress(Coordinator& coordinator, DataPlane& data, Idle& idle, const Clock& clock,
           SpinPolicy spin);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // A submission was made and nobody is going to wait for it at once: sees to it that it is seen.
  void notify_submitted();
  // Drives or sleeps until the operation is done, until `until`, or until a signal.
  WaitOutcome wait(const Operation& operation, Time until);

  // Ends the background thread and drives until this rank may leave, at most until `until`.
  void leave(Time until);
  // Forked child: the background thread does not exist there.
  void abandon_thread() { background_.abandon(); }

 private:
  void background_loop();
  WaitOutcome drive(const Operation& operation, Time until) HVD_REQUIRES(coordinator_.baton);
  bool pass() HVD_REQUIRES(coordinator_.baton);
  // Announces the sleep; false if something came in the meantime.
  bool prepare_sleep() HVD_REQUIRES(coordinator_.baton);
  void end_sleep() HVD_REQUIRES(coordinator_.baton);
  void release_as_user() HVD_RELEASE(coordinator_.baton);

  Coordinator& coordinator_;
  DataPlane& data_;
  Idle& idle_;
  const Clock& clock_;
  const SpinPolicy spin_;
  std::atomic<bool> sleeping_{false};       // whoever submits must ring
  std::atomic<Time> parked_until_{kNever};  // when the background thread wakes by itself
  std::atomic<bool> wants_baton_{false};    // the background thread found it taken
  std::atomic<bool> stopping_{false};
  Thread background_;
};

}  // namespace hvd
