// backends/loopback/loopback_idle.h: Idle for ranks that are objects in one process.
// Not here: messages (loopback_control_plane.h), chunks (loopback_transport.h).
// Threads: as core/ports/idle.h says; LoopbackDoor any.  Limits: whoever moves a ManualClock rings.
// Read next: core/ports/idle.h, loopback_world.h.
#pragma once

#include "core/base/clock.h"
#include "core/base/mutex.h"
#include "core/ports/idle.h"

namespace hvd {

// Where one rank sleeps; outlives the rank's Idle, so that peers can knock at any time. Behaves as
// PollerIdle with its doorbell eventfd does: knocks and rings stay until poll() or sleep() handles
// them, and park() handles nothing, so that a coordinator that works on one works on the other.
class LoopbackDoor {
 public:
  explicit LoopbackDoor(const Clock& clock) : clock_(clock) {}

  void ring() HVD_EXCLUDES(mutex_);  // any thread: a message, a chunk or a submission is there
  void ring_parked() HVD_EXCLUDES(mutex_);
  bool poll() HVD_EXCLUDES(mutex_);
  void sleep(Time until) HVD_EXCLUDES(mutex_);
  void claim() HVD_EXCLUDES(mutex_);
  void unclaim() HVD_EXCLUDES(mutex_);
  void park(Time until) HVD_EXCLUDES(mutex_);
  void nap(Time until) HVD_EXCLUDES(mutex_);

 private:
  // False once `until` is over.
  bool wait(Condition& condition, Time until) HVD_REQUIRES(mutex_);

  const Clock& clock_;
  Mutex mutex_;
  Condition sleeper_;
  Condition parked_;
  bool rung_ HVD_GUARDED_BY(mutex_) = false;
  bool parked_rung_ HVD_GUARDED_BY(mutex_) = false;
  bool claimed_ HVD_GUARDED_BY(mutex_) = false;
};

class LoopbackIdle final : public Idle {
 public:
  explicit LoopbackIdle(LoopbackDoor& door) : door_(door) {}
  bool poll() override { return door_.poll(); }
  bool sleep(Time until) override {
    door_.sleep(until);
    return false;  // signals do not end a condition variable's wait
  }
  void ring() override { door_.ring(); }
  void claim() override { door_.claim(); }
  void unclaim() override { door_.unclaim(); }
  void park(Time until) override { door_.park(until); }
  void nap(Time until) override { door_.nap(until); }
  void ring_parked() override { door_.ring_parked(); }

 private:
  LoopbackDoor& door_;
};

}  // namespace hvd
