#include "backends/calibrate/pair_probe.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "backends/engine/native_data_plane.h"
#include "backends/loopback/loopback_world.h"
#include "core/base/thread.h"
#include "tests/backends/engine/engine_world.h"
#include "tests/catch.h"

namespace hvd {
namespace {

// Each look at it is a microsecond later: time passes only where work is done.
class CountingClock final : public Clock {
 public:
  Time now() const override { return now_.fetch_add(kMicrosecond) + kMicrosecond; }

 private:
  mutable std::atomic<Time> now_ = kSecond;
};

// Two ranks over loopback; the second follows on a thread of its own.
struct Pair {
  EngineWorld world{2, EngineWorld::default_config(), {.slot_bytes = 65536, .slot_count = 4}};
  CountingClock clock;
  std::unique_ptr<LoopbackIdle> idle0 = world.world.make_idle(Rank{0});
  std::unique_ptr<LoopbackIdle> idle1 = world.world.make_idle(Rank{1});
  std::atomic<bool> gives_up = false;

  PairProbe probe(int rank) {
    return PairProbe(
        {.plane = *world.planes[static_cast<std::size_t>(rank)],
         .idle = rank == 0 ? *idle0 : *idle1,
         .clock = clock,
         .alive = [this] { return gives_up ? error(StatusCode::aborted, "lost") : ok_status(); }},
        Rank{1 - rank});
  }
};

// Who looks at it waits: a tenth of a microsecond passes.
class GlancedClock final : public Clock {
 public:
  Time now() const override { return now_ += 100; }
  void advance(Nanos time) { now_ += time; }
  void advance_to(Time time) { now_ = std::max(now_, time); }

 private:
  mutable Time now_ = kSecond;
};

// The leader's plane on a wire that takes as long as it is told.
class FakeWire final : public DataPlane {
 public:
  GlancedClock clock;
  Nanos overhead = 2 * kMicrosecond;          // of a core that sends
  Nanos receive_overhead = 2 * kMicrosecond;  // of one that receives
  Nanos latency = 30 * kMicrosecond;
  double bytes_per_second = 1e8;
  std::size_t burst_bytes =
      0;                 // that pass at kBurstRate before the rate holds, as in a token bucket
  Nanos other_work = 0;  // of others on this core, during each message
  std::vector<Nanos> disturbances = {};  // added to answers, in turn
  std::uint64_t bytes_sent = 0;

  std::string description() const override { return "fake"; }
  Status accepts(const Request&) const override { return ok_status(); }
  void tensor_ready(const Request&) override {}
  ScheduleChoice choose(const WorkShape&) override { return 0; }
  void start(WorkItem item) override {
    if (item.kind == CollectiveKind::send) {
      clock.advance(overhead);
      sent(item.element_count());
    } else {
      clock.advance_to(answered_at_);
      clock.advance(receive_overhead);
      if (!disturbances.empty()) {
        clock.advance(disturbances[answer_count_++ % disturbances.size()]);
      }
    }
    clock.advance(item.element_count() > 1000 ? other_work : 0);
    done_.push_back({.work_id = item.id, .status = ok_status()});
  }
  bool progress() override { return true; }
  bool take_completion(WorkCompletion& completion) override {
    if (done_.empty()) {
      return false;
    }
    completion = done_.front();
    done_.clear();
    return true;
  }
  bool busy() const override { return !done_.empty(); }
  void abort(const Status&) override {}
  bool prepare_sleep() override { return false; }
  void end_sleep() override {}

  Measurements measure_network(Nanos budget = kPairProbeBudget) {
    LoopbackWorld world(2, clock);
    const auto idle = world.make_idle(Rank{0});
    PairProbe probe(
        {.plane = *this, .idle = *idle, .clock = clock, .alive = [] { return ok_status(); }},
        Rank{1});
    const Result<Measurements> measured = probe.lead_between_hosts(budget);
    REQUIRE(measured.ok());
    return *measured;
  }

 private:
  static constexpr double kBurstRate = 6e8;

  void sent(std::size_t bytes) {
    const Time now = clock.now();
    const auto refilled = static_cast<double>(now - last_sent_) * 1e-9 * bytes_per_second;
    tokens_ = std::min(static_cast<double>(burst_bytes), tokens_ + refilled);
    const double at_once = std::min(tokens_, static_cast<double>(bytes));
    tokens_ -= at_once;
    last_sent_ = now;
    const double seconds =
        at_once / kBurstRate + (static_cast<double>(bytes) - at_once) / bytes_per_second;
    wire_free_at_ = std::max(wire_free_at_, now) + nanos_from_seconds(seconds);
    answered_at_ = wire_free_at_ + 2 * latency + overhead + receive_overhead;
  }

  double tokens_ = 1e9;
  Time last_sent_ = 0;
  Time wire_free_at_ = 0;
  Time answered_at_ = 0;
  std::size_t answer_count_ = 0;
  std::vector<WorkCompletion> done_;
};

TEST_CASE("latency, overhead and rate of a wire are found", "[calibrate]") {
  for (const double rate : {12.5e6, 1.2e8, 1.2e9}) {
    for (const Nanos latency : {5 * kMicrosecond, 100 * kMicrosecond, 2 * kMillisecond}) {
      FakeWire wire;
      wire.bytes_per_second = rate;
      wire.latency = latency;
      const Time start = wire.clock.now();
      const Measurements measured = wire.measure_network();
      INFO(rate << " bytes/s, " << latency << " ns");
      CHECK(measured.overhead_seconds == Approx(2e-6).margin(4e-7));
      CHECK(measured.latency_seconds == Approx(seconds_from_nanos(latency)).margin(3e-6));
      CHECK(measured.network_bytes_per_second == Approx(rate).epsilon(0.02));
      // Within the budget and the longest message, twice; a long way takes what it takes.
      CHECK(wire.clock.now() - start <= 20 * kMillisecond + 40 * latency);
    }
  }
}

TEST_CASE("what a core does to send and to receive is no part of the latency", "[calibrate]") {
  // As on a wire that is memory: whoever sends does nearly all of it.
  FakeWire wire;
  wire.overhead = 11 * kMicrosecond;
  wire.receive_overhead = 3 * kMicrosecond;
  for (const Nanos latency : {5 * kMicrosecond, 1 * kMillisecond}) {
    wire.latency = latency;
    const Measurements measured = wire.measure_network();
    CHECK(measured.overhead_seconds == Approx(7e-6).margin(5e-7));
    CHECK(measured.latency_seconds == Approx(seconds_from_nanos(latency)).margin(1e-6));
  }
}

TEST_CASE("a burst that passes unshaped is never taken for the rate of the wire", "[calibrate]") {
  for (const Nanos budget : {100 * kMicrosecond, 2 * kMillisecond, kPairProbeBudget}) {
    for (const Nanos other_work : {Nanos{0}, 500 * kMicrosecond, 3 * kMillisecond}) {
      FakeWire wire;
      wire.bytes_per_second = 1.17e8;
      wire.burst_bytes = 128 << 10;
      wire.other_work = other_work;
      const double rate = wire.measure_network(budget).network_bytes_per_second;
      INFO(budget << " ns, others " << other_work << " ns: " << rate);
      CHECK((rate == 0 || rate == Approx(1.17e8).epsilon(0.25)));
      const bool has_time = budget == kPairProbeBudget && other_work < kMillisecond;
      CHECK((rate > 0 || !has_time));
    }
  }
}

TEST_CASE("a way that others disturb is not measured rather than measured wrong", "[calibrate]") {
  FakeWire wire;
  // As where ranks wait for a core, for a time slice now and then.
  wire.disturbances = {4 * kMillisecond, 1 * kMillisecond, 9 * kMillisecond, 2 * kMillisecond};
  CHECK(wire.measure_network() == Measurements{});
}

TEST_CASE("a disturbance of single messages changes nothing", "[calibrate]") {
  FakeWire wire;
  wire.disturbances = std::vector<Nanos>(7, 0);
  wire.disturbances[3] = 50 * kMicrosecond;
  const Measurements measured = wire.measure_network();
  CHECK(measured.latency_seconds == Approx(30e-6).margin(3e-6));
  CHECK(measured.network_bytes_per_second == Approx(1e8).epsilon(0.25));
}

TEST_CASE("two ranks of a host measure what a chunk and a sleep take", "[calibrate]") {
  Pair pair;
  Status followed;
  Thread follower("follower", [&] { followed = pair.probe(1).follow(); });
  const Result<Measurements> measured = pair.probe(0).lead_in_host(kSecond);
  follower.join();
  REQUIRE(measured.ok());
  CHECK(followed.ok());
  CHECK(*measured == plausible(*measured));
  CHECK(!measured->has_network());
  CHECK(!measured->has_memory());
}

TEST_CASE("two hosts measure latency, overhead and rate", "[calibrate]") {
  Pair pair;
  Status followed;
  Thread follower("follower", [&] { followed = pair.probe(1).follow(); });
  const Result<Measurements> measured = pair.probe(0).lead_between_hosts(kSecond);
  follower.join();
  REQUIRE(measured.ok());
  CHECK(followed.ok());
  CHECK(*measured == plausible(*measured));
  CHECK((measured->latency_seconds > 0) == measured->has_network());
  CHECK(!measured->has_pair());
}

TEST_CASE("with no time left nothing is measured and the follower is let go", "[calibrate]") {
  Pair pair;
  Status followed;
  Thread follower("follower", [&] { followed = pair.probe(1).follow(); });
  const Result<Measurements> measured = pair.probe(0).lead_in_host(0);
  follower.join();
  REQUIRE(measured.ok());
  CHECK(followed.ok());
  CHECK(!measured->has_pair());
}

TEST_CASE("a rank whose partner does not come stops when init gives up", "[calibrate]") {
  Pair pair;
  pair.gives_up = true;
  CHECK(pair.probe(0).lead_in_host().status().code() == StatusCode::aborted);
  Pair other;
  other.gives_up = true;
  CHECK(other.probe(1).follow().code() == StatusCode::aborted);
}

TEST_CASE("after a measurement the plane has nothing left to do", "[calibrate]") {
  Pair pair;
  Thread follower("follower", [&] { (void)pair.probe(1).follow(); });
  REQUIRE(pair.probe(0).lead_between_hosts(kSecond).ok());
  follower.join();
  for (const auto& plane : pair.world.planes) {
    CHECK(!plane->busy());
    WorkCompletion completion;
    CHECK(!plane->take_completion(completion));
  }
}

}  // namespace
}  // namespace hvd
