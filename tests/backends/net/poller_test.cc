#include "backends/net/poller.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <set>
#include <string>

#include "tests/catch.h"

namespace hvd {
namespace {

Fd make_event() { return Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }
void raise_event(const Fd& fd) {
  const std::uint64_t one = 1;
  REQUIRE(::write(fd.get(), &one, sizeof one) == sizeof one);
}

}  // namespace

TEST_CASE("a poller runs the callback of the descriptor that is ready and no other", "[poller]") {
  SteadyClock clock;
  auto poller = Poller::create(clock).value();
  const Fd first = make_event();
  const Fd second = make_event();
  std::string ran;
  REQUIRE(poller->watch(first.get(), EPOLLIN, [&](std::uint32_t) { ran += "first "; }).ok());
  REQUIRE(poller->watch(second.get(), EPOLLIN, [&](std::uint32_t) { ran += "second "; }).ok());
  REQUIRE(*poller->run_once(0) == 0);
  raise_event(second);
  REQUIRE(*poller->run_once(-1) == 1);
  REQUIRE(ran == "second ");
  REQUIRE(poller->change(second.get(), 0).ok());
  REQUIRE(*poller->run_once(0) == 0);
}

TEST_CASE("a callback may forget its own descriptor and one that is ready in the same pass",
          "[poller]") {
  SteadyClock clock;
  auto poller = Poller::create(clock).value();
  const Fd first = make_event();
  const Fd second = make_event();
  int count = 0;
  const std::string kept_alive(100, 'x');  // in the callback's own storage
  const auto forget_both = [&, kept_alive](std::uint32_t) {
    poller->forget(first.get());
    poller->forget(second.get());
    REQUIRE(kept_alive == std::string(100, 'x'));
    ++count;
  };
  REQUIRE(poller->watch(first.get(), EPOLLIN, forget_both).ok());
  REQUIRE(poller->watch(second.get(), EPOLLIN, forget_both).ok());
  raise_event(first);
  raise_event(second);
  REQUIRE(*poller->run_once(-1) == 1);
  REQUIRE(*poller->run_once(0) == 0);
  REQUIRE(count == 1);
}

TEST_CASE("an event of a forgotten descriptor does not reach the next one with its number",
          "[poller]") {
  SteadyClock clock;
  auto poller = Poller::create(clock).value();
  Fd first = make_event();
  Fd second = make_event();
  Fd third;
  int third_ran = 0;
  const auto swap = [&](Fd& gone) {
    const int number = gone.get();
    poller->forget(number);
    gone.reset();
    third = make_event();
    REQUIRE(third.get() == number);
    REQUIRE(poller->watch(number, EPOLLIN, [&](std::uint32_t) { ++third_ran; }).ok());
    poller->forget(&gone == &first ? second.get() : first.get());
  };
  REQUIRE(poller->watch(first.get(), EPOLLIN, [&](std::uint32_t) { swap(second); }).ok());
  REQUIRE(poller->watch(second.get(), EPOLLIN, [&](std::uint32_t) { swap(first); }).ok());
  raise_event(first);
  raise_event(second);
  REQUIRE(*poller->run_once(-1) == 1);
  REQUIRE(third_ran == 0);
}

TEST_CASE("timers run at their time, in order, and not after they were cancelled", "[poller]") {
  ManualClock clock(kSecond);
  auto poller = Poller::create(clock).value();
  std::string ran;
  poller->call_at(kSecond + 20, [&] { ran += "b"; });
  poller->call_at(kSecond + 10, [&] { ran += "a"; });
  poller->call_at(kSecond + 20, [&] { ran += "c"; });
  const Poller::TimerId cancelled = poller->call_at(kSecond + 15, [&] { ran += "x"; });
  poller->cancel(cancelled);
  REQUIRE(*poller->run_once(0) == 0);
  clock.advance(10);
  REQUIRE(*poller->run_once(-1) == 1);
  REQUIRE(ran == "a");
  clock.advance(10);
  REQUIRE(*poller->run_once(-1) == 2);
  REQUIRE(ran == "abc");
  poller->cancel(cancelled);
}

TEST_CASE("a timer that sets itself again at once does not hold up the pass", "[poller]") {
  ManualClock clock;
  auto poller = Poller::create(clock).value();
  int count = 0;
  std::function<void()> again = [&] {
    ++count;
    poller->call_at(0, again);
  };
  poller->call_at(0, again);
  REQUIRE(*poller->run_once(0) == 1);
  REQUIRE(*poller->run_once(0) == 1);
  REQUIRE(count == 2);
}

TEST_CASE("a timer ends an endless wait and makes the poller's descriptor readable", "[poller]") {
  SteadyClock clock;
  auto poller = Poller::create(clock).value();
  auto outer = Poller::create(clock).value();
  bool ran = false;
  REQUIRE(
      outer->watch(poller->fd(), EPOLLIN, [&](std::uint32_t) { (void)*poller->run_once(0); }).ok());
  const Time when = clock.now() + kMillisecond;
  poller->call_at(when, [&] { ran = true; });
  while (!ran) {
    (void)*outer->run_once(-1);
  }
  REQUIRE(clock.now() >= when);
}

TEST_CASE("a wait with a timeout ends after it and not before", "[poller]") {
  SteadyClock clock;
  auto poller = Poller::create(clock).value();
  const Time start = clock.now();
  REQUIRE(*poller->run_once(300 * kMicrosecond) == 0);
  REQUIRE(clock.now() - start >= 300 * kMicrosecond);
}

TEST_CASE("a poller names its own descriptors and all of them close on exec", "[poller]") {
  SteadyClock clock;
  auto poller = Poller::create(clock).value();
  std::set<int> fds;
  poller->for_each_fd([&](int fd) {
    fds.insert(fd);
    REQUIRE((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
  });
  REQUIRE(fds.size() == 2);
  REQUIRE(fds.contains(poller->fd()));
}

}  // namespace hvd
