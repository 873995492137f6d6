// How often threads of a rank wake each other.
#include <algorithm>
#include <atomic>
#include <deque>
#include <utility>
#include <vector>

#include "core/base/mutex.h"
#include "core/stages/progress.h"
#include "tests/catch.h"
#include "tests/core/stages/stage_samples.h"

namespace hvd {
namespace {

using test::job_of;
using test::request_of;

// Parks until it is rung, or not at all while there is activity; counts both.
class CountingIdle final : public Idle {
 public:
  bool poll() override { return false; }
  bool sleep(Time) override { return false; }
  void ring() override { ring_parked(); }
  void claim() override {}
  void unclaim() override {}
  void park(Time) override {
    ++park_count;
    MutexLock lock(mutex_);
    while (!rung_ && !activity) {
      changed_.wait(mutex_);
    }
    rung_ = false;
  }
  void nap(Time) override {
    MutexLock lock(mutex_);
    while (!rung_) {
      changed_.wait(mutex_);
    }
    rung_ = false;
  }
  void ring_parked() override {
    MutexLock lock(mutex_);
    ++ring_count_;
    rung_ = true;
    changed_.notify_all();
  }
  int ring_count() {
    MutexLock lock(mutex_);
    return ring_count_;
  }

  std::atomic<bool> activity{false};  // which the baton holder does not take off
  std::atomic<int> park_count{0};

 private:
  Mutex mutex_;
  Condition changed_;
  bool rung_ HVD_GUARDED_BY(mutex_) = false;
  int ring_count_ HVD_GUARDED_BY(mutex_) = 0;
};

// The first item moves in every pass and ends when it is told to; all others end at once.
class BusyPlane final : public DataPlane {
 public:
  std::string description() const override { return "busy"; }
  Status accepts(const Request&) const override { return ok_status(); }
  void tensor_ready(const Request&) override {}
  ScheduleChoice choose(const WorkShape&) override { return 0; }
  void start(WorkItem item) override {
    if (big_ == kNone) {
      big_ = item.id;
      big_runs = true;
    } else {
      finished_.push_back(item.id);
    }
  }
  bool progress() override {
    ++passes;
    if (big_runs && may_end) {
      big_runs = false;
      finished_.push_back(big_);
    }
    return big_runs;
  }
  bool take_completion(WorkCompletion& completion) override {
    if (finished_.empty()) {
      return false;
    }
    completion = {finished_.front(), ok_status()};
    finished_.pop_front();
    return true;
  }
  bool busy() const override { return big_runs || !finished_.empty(); }
  void abort(const Status&) override { may_end = true; }
  bool prepare_sleep() override { return !big_runs && finished_.empty(); }
  void end_sleep() override {}

  std::atomic<bool> big_runs{false};
  std::atomic<bool> may_end{false};
  std::atomic<int> passes{0};

 private:
  static constexpr std::uint64_t kNone = ~std::uint64_t{0};
  std::uint64_t big_ = kNone;
  std::deque<std::uint64_t> finished_;
};

class NoPeers final : public ControlPlane {
 public:
  void send(Rank, std::span<const std::byte>) override {}
  bool receive(ControlEvent&) override { return false; }
  bool flushed() const override { return true; }
};

struct BusyRank {
  static Config config() {
    Config config;
    config.stall_warning_seconds = 0;
    return config;
  }
  // Submits what keeps the rank busy, and returns once it is under way.
  BusyRank() : big(*coordinator.submit(request_of("big"))) {
    progress.notify_submitted();
    idle.ring_parked();  // it may not have slept yet
    while (!data.big_runs) {
      yield_thread();
    }
  }

  ManualClock clock{5 * kSecond};
  Logger logger{LogLevel::off, "", nullptr};
  NoPeers control;
  CountingIdle idle;
  BusyPlane data;
  Coordinator coordinator{config(), job_of(1), {clock, control, data, logger}};
  Progress progress{
      coordinator, data, idle, clock, {.length = kSecond, .hold = 0, .listen_after = kMillisecond}};
  const OperationPtr big;
};

TEST_CASE("blocking calls in a row beside a long item do not wake the background thread each",
          "[progress]") {
  constexpr int kCalls = 200;
  BusyRank rank;
  const int before = rank.idle.ring_count();
  for (int i = 0; i < kCalls; ++i) {
    const OperationPtr small = *rank.coordinator.submit(request_of(str("small", i)));
    REQUIRE(rank.progress.wait(*small, kNever) == WaitOutcome::done);
  }
  CHECK(rank.idle.ring_count() - before < kCalls / 4);
  CHECK_FALSE(rank.big->done);
  rank.data.may_end = true;
  CHECK(rank.progress.wait(*rank.big, kNever) == WaitOutcome::done);
  rank.progress.leave(kNever);
}

TEST_CASE("what is submitted while the background thread naps is begun at once", "[progress]") {
  BusyRank rank;
  for (int i = 0; i < 20; ++i) {
    const OperationPtr small = *rank.coordinator.submit(request_of(str("small", i)));
    REQUIRE(rank.progress.wait(*small, kNever) == WaitOutcome::done);
  }
  const OperationPtr later = *rank.coordinator.submit(request_of("later"));
  rank.progress.notify_submitted();
  while (!later->done) {  // naps end by a ring only
    yield_thread();
  }
  rank.data.may_end = true;
  CHECK(rank.progress.wait(*rank.big, kNever) == WaitOutcome::done);
  rank.progress.leave(kNever);
}

// Else it would take the core again and again until the holder looks at the sockets.
TEST_CASE("activity does not wake the background thread while another has the baton",
          "[progress]") {
  BusyRank rank;
  Thread user("user", [&] { CHECK(rank.progress.wait(*rank.big, kNever) == WaitOutcome::done); });
  rank.idle.activity = true;
  const int seen = rank.data.passes;
  while (rank.data.passes < seen + 20'000) {
    yield_thread();
  }
  CHECK(rank.idle.park_count < 50);
  rank.data.may_end = true;
  user.join();
  rank.progress.leave(kNever);
}

// Passes the time of naps in a few of the users' calls, and notes how long they were.
class NappingIdle final : public Idle {
 public:
  explicit NappingIdle(ManualClock& clock) : clock_(clock) {}
  bool poll() override { return false; }
  bool sleep(Time) override { return false; }
  void ring() override { ring_parked(); }
  void claim() override {}
  void unclaim() override {}
  void park(Time until) override { rest(until); }
  void nap(Time until) override {
    if (until != kNever) {
      MutexLock lock(mutex_);
      naps_.push_back(until - clock_.now());
    }
    rest(until);
  }
  void ring_parked() override {
    MutexLock lock(mutex_);
    rung_ = true;
    changed_.notify_all();
  }
  void users_called() {
    MutexLock lock(mutex_);
    ++call_count_;
    changed_.notify_all();
  }
  std::vector<Nanos> naps() {
    MutexLock lock(mutex_);
    return naps_;
  }

 private:
  void rest(Time until) {
    MutexLock lock(mutex_);
    const int enough = call_count_ + 5;
    while (!rung_ && (until == kNever || call_count_ < enough)) {
      changed_.wait(mutex_);
    }
    if (!std::exchange(rung_, false)) {
      clock_.set(until);
    }
  }

  ManualClock& clock_;
  Mutex mutex_;
  Condition changed_;
  bool rung_ HVD_GUARDED_BY(mutex_) = false;
  int call_count_ HVD_GUARDED_BY(mutex_) = 0;
  std::vector<Nanos> naps_ HVD_GUARDED_BY(mutex_);
};

TEST_CASE("the longer blocking calls follow each other, the rarer the background thread looks",
          "[progress]") {
  ManualClock clock{5 * kSecond};
  Logger logger{LogLevel::off, "", nullptr};
  NoPeers control;
  NappingIdle idle(clock);
  BusyPlane data;
  data.may_end = true;
  Coordinator coordinator{BusyRank::config(), job_of(1), {clock, control, data, logger}};
  Progress progress{coordinator,
                    data,
                    idle,
                    clock,
                    {.length = kSecond,
                     .hold = 0,
                     .listen_after = kMillisecond,
                     .listen_after_most = 6 * kMillisecond}};
  const auto longest_seen = [&] {
    const std::vector<Nanos> naps = idle.naps();
    return static_cast<int>(std::count(naps.begin(), naps.end(), 6 * kMillisecond));
  };
  for (int i = 0; longest_seen() < 3; ++i) {
    const OperationPtr small = *coordinator.submit(request_of(str("small", i)));
    REQUIRE(progress.wait(*small, kNever) == WaitOutcome::done);
    idle.users_called();
  }
  const std::vector<Nanos> naps = idle.naps();
  const auto longest = std::find(naps.begin(), naps.end(), 6 * kMillisecond);
  REQUIRE(longest - naps.begin() >= 2);
  CHECK(longest[-1] == 4 * kMillisecond);
  CHECK(longest[-2] == 2 * kMillisecond);
  CHECK(*std::max_element(naps.begin(), naps.end()) == 6 * kMillisecond);
  progress.leave(kNever);
}

}  // namespace
}  // namespace hvd
