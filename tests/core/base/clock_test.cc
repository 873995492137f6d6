#include "core/base/clock.h"

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("a manual clock moves by hand only", "[clock]") {
  ManualClock clock(5);
  CHECK(clock.now() == 5);
  clock.advance(3 * kMillisecond);
  CHECK(clock.now() == 5 + 3'000'000);
  clock.set(7);
  CHECK(clock.now() == 7);
}

TEST_CASE("the steady clock never runs backwards", "[clock]") {
  const SteadyClock clock;
  Time last = clock.now();
  for (int i = 0; i < 1000; ++i) {
    const Time now = clock.now();
    CHECK(now >= last);
    last = now;
  }
}

TEST_CASE("seconds and nanoseconds convert both ways", "[clock]") {
  CHECK(nanos_from_seconds(1.5) == 1'500'000'000);
  CHECK(seconds_from_nanos(250 * kMillisecond) == Approx(0.25));
}

TEST_CASE("no wait reaches beyond never", "[clock]") {
  CHECK(time_after(10, 5) == 15);
  CHECK(time_after(10, kNever) == kNever);
  CHECK(time_after(kNever - 1, 1) == kNever);
  CHECK(time_after(kNever, 1) == kNever);
}

}  // namespace
}  // namespace hvd
