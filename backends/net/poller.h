// backends/net/poller.h: one epoll with callbacks and timers, for runtime, rendezvous and launcher.
// Not here: the port that core sleeps on (poller_idle.h).
// Threads: one at a time (a baton may move it).  Limits: kPollerEventsPerPass events in one pass.
// Read next: poller_idle.h.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "backends/net/fd.h"
#include "core/base/clock.h"
#include "core/base/status.h"

struct epoll_event;

namespace hvd {

inline constexpr int kPollerEventsPerPass = 64;

// epoll_wait with a timeout in nanoseconds: < 0 for ever, 0 never blocks. Where the kernel has no
// epoll_pwait2 the timeout is rounded up to milliseconds. Gives epoll_wait's value and errno.
int wait_for_epoll(int epoll_fd, epoll_event* events, int events_max, Nanos timeout);

class Poller {
 public:
  using Callback = std::function<void(std::uint32_t epoll_events)>;
  using TimerId = std::uint64_t;

  static Result<std::unique_ptr<Poller>> create(const Clock& clock);
  ~Poller() = default;
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  // Level triggered. The descriptor stays the caller's; forget it before it is closed.
  Status watch(int fd, std::uint32_t events, Callback callback);
  Status change(int fd, std::uint32_t events);
  // Safe inside callbacks, also for the descriptor being handled; unknown ones are ignored.
  void forget(int fd);

  // Runs `action` once, in the first pass at or after `when`. Timers of one moment run in the order
  // in which they were set. Pending timers make fd() readable when they are due.
  TimerId call_at(Time when, std::function<void()> action);
  void cancel(TimerId id);  // ids that ran already are ignored

  // Waits for activity (timeout < 0: for ever, 0: not at all), runs what is ready and gives the
  // number of callbacks and timers that ran. A signal gives 0. Allocates nothing by itself.
  Result<int> run_once(Nanos timeout);

  const Clock& clock() const { return clock_; }
  int fd() const {
    return epoll_.get();
  }  // pollable itself: readable when a pass would do something
  // The poller's own descriptors (not the watched ones), for the fork handler.
  void for_each_fd(const std::function<void(int)>& visit) const;

 private:
  struct Watch {
    std::uint32_t generation = 0;
    Callback callback;
  };
  Poller(const Clock& clock, Fd epoll, Fd timer);
  int run_event(const epoll_event& event);
  int run_due_timers();
  void arm_timer();

  const Clock& clock_;
  Fd epoll_;
  Fd timer_;
  std::unordered_map<int, std::unique_ptr<Watch>> watches_;
  std::uint32_t next_generation_ = 1;  // tells a watch from an earlier one of the same number
  int depth_ = 0;                      // passes under way, one inside another
  std::vector<std::unique_ptr<Watch>> forgotten_;  // kept until no pass may be running them
  std::map<std::pair<Time, TimerId>, std::function<void()>> timers_;
  std::unordered_map<TimerId, Time> timer_times_;
  TimerId next_timer_ = 1;
  Time armed_for_ = kNever;
};

}  // namespace hvd
