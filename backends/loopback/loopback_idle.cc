#include "backends/loopback/loopback_idle.h"

#include <chrono>
#include <utility>

namespace hvd {

void LoopbackDoor::ring() {
  MutexLock lock(mutex_);
  rung_ = true;
  sleeper_.notify_one();
  if (!claimed_) {
    parked_.notify_one();
  }
}

void LoopbackDoor::ring_parked() {
  MutexLock lock(mutex_);
  parked_rung_ = true;
  parked_.notify_one();
}

bool LoopbackDoor::poll() {
  MutexLock lock(mutex_);
  return std::exchange(rung_, false);
}

void LoopbackDoor::sleep(Time until) {
  MutexLock lock(mutex_);
  while (!rung_ && wait(sleeper_, until)) {
  }
  rung_ = false;
}

void LoopbackDoor::claim() {
  MutexLock lock(mutex_);
  claimed_ = true;
}

void LoopbackDoor::unclaim() {
  MutexLock lock(mutex_);
  claimed_ = false;
  if (rung_) {
    parked_.notify_one();
  }
}

void LoopbackDoor::park(Time until) {
  MutexLock lock(mutex_);
  while (!parked_rung_ && (claimed_ || !rung_) && wait(parked_, until)) {
  }
  parked_rung_ = false;
}

void LoopbackDoor::nap(Time until) {
  MutexLock lock(mutex_);
  while (!parked_rung_ && wait(parked_, until)) {
  }
  parked_rung_ = false;
}

bool LoopbackDoor::wait(Condition& condition, Time until) {
  if (until == kNever) {
    condition.wait(mutex_);
    return true;
  }
  const Nanos left = until - clock_.now();
  if (left <= 0) {
    return false;
  }
  condition.wait_until(mutex_, std::chrono::steady_clock::now() + std::chrono::nanoseconds(left));
  return true;  // whether time is up is for the clock to say, on the next round
}

}  // namespace hvd
