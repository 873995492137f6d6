#include "backends/net/poller_idle.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>

#include <atomic>
#include <set>

#include "core/base/thread.h"
#include "tests/catch.h"

namespace hvd {
namespace {

struct World {
  SteadyClock clock;
  std::unique_ptr<Poller> poller = Poller::create(clock).value();
  std::unique_ptr<PollerIdle> idle = PollerIdle::create(*poller).value();
  Time soon() const { return clock.now() + kMillisecond; }
};

constexpr Nanos kPatience = 20 * kSecond;  // far beyond what a busy machine needs

}  // namespace

TEST_CASE("a ring before sleep ends it at once and is used up by it", "[idle]") {
  World world;
  world.idle->ring();
  world.idle->sleep(kNever);
  REQUIRE_FALSE(world.idle->poll());
  world.idle->ring();
  REQUIRE(world.idle->poll());
  REQUIRE_FALSE(world.idle->poll());
}

TEST_CASE("a ring before park ends it and stays for the poll that follows", "[idle]") {
  World world;
  world.idle->ring();
  world.idle->park(kNever);
  world.idle->park(kNever);
  REQUIRE(world.idle->poll());
  const Time until = world.soon();
  world.idle->park(until);
  REQUIRE(world.clock.now() >= until);
}

TEST_CASE("while claimed, activity does not end park but ring_parked does", "[idle]") {
  World world;
  world.idle->claim();
  world.idle->ring();
  const Time until = world.soon();
  world.idle->park(until);
  REQUIRE(world.clock.now() >= until);
  world.idle->ring_parked();
  world.idle->park(kNever);
  const Time later = world.soon();
  world.idle->park(later);  // ring_parked was used up
  REQUIRE(world.clock.now() >= later);
  world.idle->unclaim();
  world.idle->park(kNever);  // the ring is still there
  REQUIRE(world.idle->poll());
}

TEST_CASE("sleep and park end at their time", "[idle]") {
  World world;
  const Time until = world.soon();
  world.idle->sleep(until);
  REQUIRE(world.clock.now() >= until);
  world.idle->sleep(until);  // in the past: no wait
  const Time later = world.soon();
  world.idle->park(later);
  REQUIRE(world.clock.now() >= later);
}

TEST_CASE("a signal ends sleep", "[idle]") {
  World world;
  struct sigaction before {};
  struct sigaction nothing {};
  nothing.sa_handler = [](int) {};
  REQUIRE(::sigaction(SIGUSR1, &nothing, &before) == 0);
  std::atomic<bool> awake = false;
  const pthread_t sleeper = ::pthread_self();
  const Time limit = world.clock.now() + kPatience;
  // Again and again: the first one may come before the sleep.
  Thread signalling("signalling", [&] {
    while (!awake && world.clock.now() < limit) {
      ::pthread_kill(sleeper, SIGUSR1);
      yield_thread();
    }
  });
  world.idle->sleep(limit);
  awake = true;
  signalling.join();
  REQUIRE(world.clock.now() < limit);
  REQUIRE(::sigaction(SIGUSR1, &before, nullptr) == 0);
}

TEST_CASE("unclaim wakes a thread that is parked already when activity is pending", "[idle]") {
  World world;
  world.idle->claim();
  std::atomic<bool> woken = false;
  Thread parked("parked", [&] {
    world.idle->park(world.clock.now() + kPatience);
    woken = true;
  });
  world.idle->ring();
  world.idle->unclaim();
  const Time limit = world.clock.now() + kPatience / 2;
  while (!woken && world.clock.now() < limit) {
    yield_thread();
  }
  REQUIRE(woken);
  parked.join();
}

// Two threads answer each other by bell alone: a lost wake-up would stop them for ever.
TEST_CASE("no ring between two threads is lost", "[idle]") {
  World left;
  World right;
  std::atomic<int> turns = 0;
  constexpr int turn_count = 4000;
  const Time limit = left.clock.now() + kPatience;
  const auto play = [&](World& mine, World& other, int parity, bool parks) {
    while (turns.load() < turn_count && mine.clock.now() < limit) {
      if (turns.load() % 2 == parity) {
        ++turns;
        other.idle->ring();
        continue;
      }
      if (parks) {
        mine.idle->park(limit);
        (void)mine.idle->poll();
      } else {
        mine.idle->sleep(limit);
      }
    }
    other.idle->ring();
  };
  Thread thread("right", [&] { play(right, left, 1, true); });
  play(left, right, 0, false);
  thread.join();
  REQUIRE(turns.load() >= turn_count);
}

// A holder claims and unclaims while it rings: the parked thread must come back every time.
TEST_CASE("no ring is lost between claim and unclaim", "[idle]") {
  World world;
  World holder;  // where the holder sleeps until the parked thread has seen the round
  constexpr int round_count = 2000;
  std::atomic<int> rung = 0;
  std::atomic<int> seen = 0;
  const Time limit = world.clock.now() + kPatience;
  Thread parked("parked", [&] {
    while (seen.load() < round_count && world.clock.now() < limit) {
      world.idle->park(limit);
      seen = rung.load();
      holder.idle->ring();
    }
  });
  for (int round = 1; round <= round_count && world.clock.now() < limit; ++round) {
    world.idle->claim();
    rung = round;
    world.idle->ring();
    world.idle->unclaim();
    while (seen.load() < round && world.clock.now() < limit) {
      holder.idle->sleep(limit);
    }
    (void)world.idle->poll();
  }
  world.idle->ring_parked();
  parked.join();
  REQUIRE(seen.load() == round_count);
}

TEST_CASE("an idle names its three descriptors, the doorbell among them, and all close on exec",
          "[idle]") {
  World world;
  std::set<int> fds;
  world.idle->for_each_fd([&](int fd) {
    fds.insert(fd);
    REQUIRE((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
  });
  REQUIRE(fds.size() == 3);
  REQUIRE(fds.contains(world.idle->doorbell_fd()));
}

}  // namespace hvd
