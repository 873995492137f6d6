#include "backends/net/poller_idle.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <utility>

#include "backends/net/os_error.h"
#include "core/base/check.h"

namespace hvd {
namespace {

void ring_eventfd(int fd) {
  const std::uint64_t one = 1;
  (void)!::write(fd, &one, sizeof one);  // full (EAGAIN) means that it rings already
}

void silence_eventfd(int fd) {
  std::uint64_t rings = 0;
  (void)!::read(fd, &rings, sizeof rings);
}

Status add(int epoll_fd, int fd) {
  epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
  if (::epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
    return os_error("adding a descriptor to the outer epoll", errno);
  }
  return ok_status();
}

}  // namespace

Result<std::unique_ptr<PollerIdle>> PollerIdle::create(Poller& poller) {
  Fd doorbell(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  Fd parked_bell(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!doorbell.open() || !parked_bell.open()) {
    return os_error("making a doorbell eventfd", errno);
  }
  Fd outer(::epoll_create1(EPOLL_CLOEXEC));
  if (!outer.open()) {
    return os_error("making an epoll descriptor", errno);
  }
  HVD_TRY(add(outer.get(), poller.fd()));
  HVD_TRY(add(outer.get(), parked_bell.get()));
  const int bell = doorbell.get();
  HVD_TRY(poller.watch(bell, EPOLLIN, [bell](std::uint32_t) { silence_eventfd(bell); }));
  return std::unique_ptr<PollerIdle>(
      new PollerIdle(poller, std::move(doorbell), std::move(parked_bell), std::move(outer)));
}

PollerIdle::PollerIdle(Poller& poller, Fd doorbell, Fd parked_bell, Fd outer)
    : poller_(poller),
      doorbell_(std::move(doorbell)),
      parked_bell_(std::move(parked_bell)),
      outer_(std::move(outer)) {}

PollerIdle::~PollerIdle() { poller_.forget(doorbell_.get()); }

bool PollerIdle::poll() {
  const Result<int> count = poller_.run_once(0);
  HVD_CHECK(count.ok());  // epoll_wait on a descriptor of our own fails only through our own bug
  return *count > 0;
}

bool PollerIdle::sleep(Time until) {
  const Result<int> count = poller_.run_once(time_left(until));
  HVD_CHECK(count.ok());
  return *count == 0 && poller_.clock().now() < until;  // run_once returns early only on a signal
}

void PollerIdle::ring() { ring_eventfd(doorbell_.get()); }
void PollerIdle::ring_parked() { ring_eventfd(parked_bell_.get()); }

void PollerIdle::claim() { mask_inner(true); }
// The kernel looks at the inner epoll again when it is unmasked, so activity that came while it
// was claimed and that nobody handled wakes the parked thread now.
void PollerIdle::unclaim() { mask_inner(false); }

void PollerIdle::mask_inner(bool masked) {
  epoll_event event{.events = masked ? 0U : static_cast<std::uint32_t>(EPOLLIN),
                    .data = {.fd = poller_.fd()}};
  HVD_CHECK(::epoll_ctl(outer_.get(), EPOLL_CTL_MOD, poller_.fd(), &event) == 0);
}

void PollerIdle::park(Time until) {
  std::array<epoll_event, 2> events;  // NOLINT: filled by the kernel
  const int ready = wait_for_epoll(outer_.get(), events.data(), 2, time_left(until));
  for (int i = 0; i < ready; ++i) {
    if (events[static_cast<std::size_t>(i)].data.fd == parked_bell_.get()) {
      silence_eventfd(parked_bell_.get());
    }
  }
}

void PollerIdle::nap(Time until) {
  pollfd bell{.fd = parked_bell_.get(), .events = POLLIN, .revents = 0};
  const Nanos left = time_left(until);
  const timespec limit{.tv_sec = left / kSecond, .tv_nsec = left % kSecond};
  if (::ppoll(&bell, 1, left < 0 ? nullptr : &limit, nullptr) > 0) {
    silence_eventfd(parked_bell_.get());
  }
}

Nanos PollerIdle::time_left(Time until) const {
  return until == kNever ? -1 : std::max<Nanos>(until - poller_.clock().now(), 0);
}

void PollerIdle::for_each_fd(const std::function<void(int)>& visit) const {
  visit(doorbell_.get());
  visit(parked_bell_.get());
  visit(outer_.get());
}

}  // namespace hvd
