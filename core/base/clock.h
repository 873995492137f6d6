// core/base/clock.h: monotonic time as a value, and the clock that a test can move by hand.
// Not here: wall-clock time; sleeping (ports/idle.h).
// Threads: SteadyClock any; ManualClock any.  Limits: nanoseconds in 63 bits (292 years).
// Read next: ports/idle.h.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>

namespace hvd {

using Nanos = std::int64_t;  // a duration
using Time = std::int64_t;   // nanoseconds since an arbitrary point, monotonic

inline constexpr Nanos kMicrosecond = 1'000;
inline constexpr Nanos kMillisecond = 1'000'000;
inline constexpr Nanos kSecond = 1'000'000'000;
inline constexpr Time kNever = std::numeric_limits<Time>::max();

constexpr Nanos nanos_from_seconds(double seconds) { return static_cast<Nanos>(seconds * 1e9); }
constexpr double seconds_from_nanos(Nanos nanos) { return static_cast<double>(nanos) * 1e-9; }

// `time` plus `wait`, at most kNever: a wait may come from a user or a peer and be anything.
constexpr Time time_after(Time time, Nanos wait) {
  return wait > kNever - time ? kNever : time + wait;
}

class Clock {
 public:
  Clock() = default;
  virtual ~Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual Time now() const = 0;
};

class SteadyClock final : public Clock {
 public:
  Time now() const override {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }
};

class ManualClock final : public Clock {
 public:
  explicit ManualClock(Time start = 0) : now_(start) {}
  Time now() const override { return now_.load(std::memory_order_relaxed); }
  void advance(Nanos by) { now_.fetch_add(by, std::memory_order_relaxed); }
  void set(Time to) { now_.store(to, std::memory_order_relaxed); }

 private:
  std::atomic<Time> now_;
};

}  // namespace hvd
