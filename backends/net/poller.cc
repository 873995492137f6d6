#include "backends/net/poller.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <ctime>

#include "backends/net/os_error.h"
#include "core/base/check.h"

namespace hvd {
namespace {

timespec to_timespec(Nanos nanos) {
  return {.tv_sec = static_cast<time_t>(nanos / kSecond), .tv_nsec = nanos % kSecond};
}

std::uint64_t tag(int fd, std::uint32_t generation) {
  return (static_cast<std::uint64_t>(generation) << 32) | static_cast<std::uint32_t>(fd);
}

// generation 0 is the poller's own timer
constexpr std::uint64_t kTimerTag = 0;

}  // namespace

int wait_for_epoll(int epoll_fd, epoll_event* events, int events_max, Nanos timeout) {
  if (timeout <= 0) {
    return ::epoll_wait(epoll_fd, events, events_max, timeout < 0 ? -1 : 0);
  }
  const timespec limit = to_timespec(timeout);
  const int count = ::epoll_pwait2(epoll_fd, events, events_max, &limit, nullptr);
  // ENOSYS before Linux 5.11; EPERM from container filters that do not know the call.
  if (count >= 0 || (errno != ENOSYS && errno != EPERM)) {
    return count;
  }
  constexpr Nanos wait_most = 3600 * kSecond;  // int milliseconds end at 24 days; callers loop
  const Nanos milliseconds = (std::min(timeout, wait_most) + kMillisecond - 1) / kMillisecond;
  return ::epoll_wait(epoll_fd, events, events_max, static_cast<int>(milliseconds));
}

Result<std::unique_ptr<Poller>> Poller::create(const Clock& clock) {
  Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.open()) {
    return os_error("making an epoll descriptor", errno);
  }
  Fd timer(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!timer.open()) {
    return os_error("making a timer descriptor", errno);
  }
  epoll_event event{.events = EPOLLIN, .data = {.u64 = kTimerTag}};
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, timer.get(), &event) != 0) {
    return os_error("adding a timer to epoll", errno);
  }
  return std::unique_ptr<Poller>(new Poller(clock, std::move(epoll), std::move(timer)));
}

Poller::Poller(const Clock& clock, Fd epoll, Fd timer)
    : clock_(clock), epoll_(std::move(epoll)), timer_(std::move(timer)) {}

Status Poller::watch(int fd, std::uint32_t events, Callback callback) {
  HVD_CHECK(fd >= 0 && !watches_.contains(fd));
  const std::uint32_t generation = next_generation_;
  next_generation_ = next_generation_ == UINT32_MAX ? 1 : next_generation_ + 1;
  epoll_event event{.events = events, .data = {.u64 = tag(fd, generation)}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    return os_error("adding a descriptor to epoll", errno);
  }
  watches_.emplace(fd, new Watch{generation, std::move(callback)});
  return ok_status();
}

Status Poller::change(int fd, std::uint32_t events) {
  const auto at = watches_.find(fd);
  HVD_CHECK(at != watches_.end());
  epoll_event event{.events = events, .data = {.u64 = tag(fd, at->second->generation)}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) != 0) {
    return os_error("changing a descriptor in epoll", errno);
  }
  return ok_status();
}

void Poller::forget(int fd) {
  const auto at = watches_.find(fd);
  if (at == watches_.end()) {
    return;
  }
  // Fails only if the descriptor was closed too early; the kernel has removed it then.
  (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  if (depth_ > 0) {
    forgotten_.push_back(std::move(at->second));
  }
  watches_.erase(at);
}

Poller::TimerId Poller::call_at(Time when, std::function<void()> action) {
  const TimerId id = next_timer_++;
  timers_.emplace(std::pair(when, id), std::move(action));
  timer_times_.emplace(id, when);
  arm_timer();
  return id;
}

void Poller::cancel(TimerId id) {
  const auto at = timer_times_.find(id);
  if (at != timer_times_.end()) {
    timers_.erase({at->second, id});
    timer_times_.erase(at);
    arm_timer();
  }
}

// A kernel timer rather than a timeout of epoll: so a due timer also wakes whoever waits on fd().
void Poller::arm_timer() {
  const Time earliest = timers_.empty() ? kNever : timers_.begin()->first.first;
  if (earliest == armed_for_) {
    return;
  }
  armed_for_ = earliest;
  itimerspec setting{};  // zero disarms
  if (earliest != kNever) {
    setting.it_value = to_timespec(std::max<Nanos>(earliest - clock_.now(), 1));
  }
  HVD_CHECK(::timerfd_settime(timer_.get(), 0, &setting, nullptr) == 0);
}

int Poller::run_due_timers() {
  const Time now = clock_.now();
  const TimerId first_new = next_timer_;  // timers set by timers wait for the next pass
  int count = 0;
  auto at = timers_.begin();
  while (at != timers_.end() && at->first.first <= now) {
    if (at->first.second >= first_new) {
      ++at;
      continue;
    }
    const std::function<void()> action = std::move(at->second);
    timer_times_.erase(at->first.second);
    timers_.erase(at);
    action();
    ++count;
    at = timers_.begin();  // the action may have changed anything
  }
  return count;
}

int Poller::run_event(const epoll_event& event) {
  if (event.data.u64 == kTimerTag) {
    std::uint64_t expirations = 0;
    (void)!::read(timer_.get(), &expirations, sizeof expirations);
    armed_for_ = kNever;  // the kernel's timer has run out; run_once arms the next one
    return 0;
  }
  const auto at = watches_.find(static_cast<int>(event.data.u64 & UINT32_MAX));
  if (at == watches_.end() || at->second->generation != event.data.u64 >> 32) {
    return 0;  // forgotten by an earlier callback of this pass
  }
  at->second->callback(event.events);
  return 1;
}

Result<int> Poller::run_once(Nanos timeout) {
  if (timeout != 0 && !timers_.empty() && timers_.begin()->first.first <= clock_.now()) {
    timeout = 0;
  }
  std::array<epoll_event, kPollerEventsPerPass> events;  // NOLINT: filled by the kernel
  const int ready = wait_for_epoll(epoll_.get(), events.data(), kPollerEventsPerPass, timeout);
  if (ready < 0 && errno != EINTR) {
    return os_error(StatusCode::internal, "waiting in epoll", errno);
  }
  int count = 0;
  ++depth_;
  for (int i = 0; i < ready; ++i) {
    count += run_event(events[static_cast<std::size_t>(i)]);
  }
  if (!timers_.empty()) {
    count += run_due_timers();
    arm_timer();
  }
  if (--depth_ == 0) {
    forgotten_.clear();
  }
  return count;
}

void Poller::for_each_fd(const std::function<void(int)>& visit) const {
  visit(epoll_.get());
  visit(timer_.get());
}

}  // namespace hvd
