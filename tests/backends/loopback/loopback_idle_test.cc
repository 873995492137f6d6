#include "backends/loopback/loopback_idle.h"

#include <atomic>

#include "core/base/thread.h"
#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("a ring before the sleep ends the sleep", "[loopback]") {
  SteadyClock clock;
  LoopbackDoor door(clock);
  LoopbackIdle idle(door);
  idle.ring();
  idle.sleep(kNever);
  CHECK_FALSE(idle.poll());  // the sleep handled it
}

TEST_CASE("a poll handles a ring", "[loopback]") {
  SteadyClock clock;
  LoopbackDoor door(clock);
  LoopbackIdle idle(door);
  CHECK_FALSE(idle.poll());
  idle.ring();
  CHECK(idle.poll());
  CHECK_FALSE(idle.poll());
}

TEST_CASE("sleep and park end when the clock has reached their time", "[loopback]") {
  const ManualClock clock(100);
  LoopbackDoor door(clock);
  LoopbackIdle idle(door);
  idle.sleep(100);
  idle.park(99);
  CHECK_FALSE(idle.poll());
}

TEST_CASE("a park leaves what woke it to the next poll", "[loopback]") {
  SteadyClock clock;
  LoopbackDoor door(clock);
  LoopbackIdle idle(door);
  idle.ring();
  idle.park(kNever);
  CHECK(idle.poll());
}

TEST_CASE("activity does not end a park while a user's thread has claimed it", "[loopback]") {
  SteadyClock clock;
  LoopbackDoor door(clock);
  LoopbackIdle idle(door);
  std::atomic<bool> parked_returned = false;
  idle.claim();
  Thread background("parked", [&] {
    idle.park(kNever);
    parked_returned = true;
  });
  idle.ring();
  idle.sleep(kNever);  // the ring wakes this thread only
  idle.ring();
  CHECK_FALSE(parked_returned);

  SECTION("until it gives the claim back") { idle.unclaim(); }
  SECTION("but a ring for the parked thread does") { idle.ring_parked(); }
  background.join();
  CHECK(parked_returned);
}

TEST_CASE("a ring from another thread ends a sleep that is under way", "[loopback]") {
  SteadyClock clock;
  LoopbackDoor door(clock);
  LoopbackIdle idle(door);
  int answered = 0;
  std::atomic<int> asked = 0;
  Thread asker("asker", [&] {
    for (int i = 0; i < 200; ++i) {
      asked = i + 1;
      idle.ring();
    }
  });
  while (answered < 200) {
    idle.sleep(kNever);
    answered = asked;
  }
  asker.join();
  CHECK(answered == 200);
}

}  // namespace
}  // namespace hvd
