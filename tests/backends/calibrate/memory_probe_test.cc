#include "backends/calibrate/memory_probe.h"

#include "core/base/clock.h"
#include "tests/catch.h"

namespace hvd {
namespace {

// Memory that takes as long as it is told, on a clock that nothing else moves.
struct FakeMemory {
  ManualClock clock = ManualClock(5 * kSecond);
  Nanos copy = 400 * kMicrosecond;
  Nanos stream = 200 * kMicrosecond;
  Nanos reduce = 100 * kMicrosecond;
  int count = 0;
  Nanos disturbance = 0;  // added to each first and every other piece of work

  void work(Nanos takes) { clock.advance(takes + (count++ % 2 == 0 ? disturbance : 0)); }
  MemoryWork make() {
    return {.copy = [this] { work(copy); },
            .copy_stream = [this] { work(stream); },
            .reduce = [this] { work(reduce); }};
  }
};

TEST_CASE("rates are of the bytes that are read and written", "[calibrate]") {
  FakeMemory memory;
  const Measurements measured = measure_memory(memory.clock, kSecond, memory.make());
  const double mib = 1 << 20;
  CHECK(measured.core_memory_bytes_per_second == Approx(2 * 2 * mib / 200e-6));
  CHECK(measured.core_cached_bytes_per_second == Approx(3 * 2 * mib / 100e-6));
  CHECK(measured.stream_gain == Approx(2));
  CHECK(measured.has_memory());
  CHECK(!measured.has_pair());
}

TEST_CASE("what others take of the core does not count", "[calibrate]") {
  FakeMemory calm;
  FakeMemory busy;
  busy.disturbance = 30 * kMillisecond;
  const Measurements disturbed = measure_memory(busy.clock, kSecond, busy.make());
  const Measurements quiet = measure_memory(calm.clock, kSecond, calm.make());
  CHECK(disturbed == Measurements{});  // half of all rounds: too few are left
  CHECK(quiet.has_memory());
}

TEST_CASE("a disturbance now and then changes nothing, and never makes stores look better",
          "[calibrate]") {
  for (int hit = 2; hit < 17; ++hit) {
    FakeMemory memory;
    int count = 0;
    const auto work = [&](Nanos takes) {
      memory.clock.advance(takes + (count++ == hit ? 30 * kMillisecond : 0));
    };
    const Measurements measured = measure_memory(memory.clock, kSecond,
                                                 {.copy = [&] { work(memory.copy); },
                                                  .copy_stream = [&] { work(memory.stream); },
                                                  .reduce = [&] { work(memory.reduce); }});
    INFO(hit);
    CHECK(measured.core_memory_bytes_per_second == Approx(2.0 * kMemoryProbeBytes / 200e-6));
    CHECK(measured.core_cached_bytes_per_second == Approx(3.0 * kMemoryProbeBytes / 100e-6));
    CHECK(measured.stream_gain <= 2);
  }
}

TEST_CASE("the budget ends it, and with no time at all nothing is measured", "[calibrate]") {
  FakeMemory slow;
  slow.copy = slow.stream = slow.reduce = 3 * kMillisecond;
  const Time start = slow.clock.now();
  CHECK(measure_memory(slow.clock, 8 * kMillisecond, slow.make()) == Measurements{});
  CHECK(slow.clock.now() - start <= 8 * kMillisecond + 5 * slow.copy);
  FakeMemory none;
  CHECK(measure_memory(none.clock, 0, none.make()) == Measurements{});
}

TEST_CASE("this machine's memory gives plausible rates or, if it is busy, none", "[calibrate]") {
  const SteadyClock clock;
  const Measurements measured = measure_memory(clock, kSecond);
  CHECK(measured == plausible(measured));
  CHECK((measured.core_cached_bytes_per_second > 0) == measured.has_memory());
  CHECK((measured.stream_gain > 0) == measured.has_memory());
}

}  // namespace
}  // namespace hvd
