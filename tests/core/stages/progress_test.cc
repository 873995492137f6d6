#include "core/stages/progress.h"

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <thread>

#include "core/base/mutex.h"
#include "core/base/random.h"
#include "tests/catch.h"
#include "tests/core/stages/stage_samples.h"

namespace hvd {
namespace {

using test::job_of;
using test::request_of;

// A lost wake-up shows as a wait that ends by kPatience, because sleeps here do not end by time.
constexpr Nanos kPatience = 20 * kSecond;

// Gives other threads a chance at a point that matters, by a seed.
class Pauses {
 public:
  explicit Pauses(std::uint64_t seed) : next_(seed) {}
  void here() {
    Random random(next_.fetch_add(1, std::memory_order_relaxed));
    if (random.below(4) != 0) {
      return;
    }
    const SteadyClock clock;
    const Time until = clock.now() + static_cast<Nanos>(random.below(60 * kMicrosecond));
    while (clock.now() < until) {
      yield_thread();
    }
  }

 private:
  std::atomic<std::uint64_t> next_;
};

class PausingClock final : public Clock {
 public:
  explicit PausingClock(Pauses& pauses) : pauses_(pauses) {}
  Time now() const override {
    pauses_.here();
    return clock_.now();
  }

 private:
  SteadyClock clock_;
  Pauses& pauses_;
};

class FakeIdle final : public Idle {
 public:
  FakeIdle(Pauses& pauses, bool keeps_time) : pauses_(pauses), keeps_time_(keeps_time) {}
  bool poll() override {
    MutexLock lock(mutex_);
    return std::exchange(rung_, false);
  }
  bool sleep(Time) override {
    pauses_.here();
    MutexLock lock(mutex_);
    const auto until = std::chrono::steady_clock::now() + std::chrono::nanoseconds(2 * kPatience);
    while (!rung_ && !interrupted_ && changed_.wait_until(mutex_, until)) {
    }
    rung_ = false;
    return std::exchange(interrupted_, false);
  }
  void ring() override { set(rung_, true); }
  void claim() override { set(claimed_, true); }
  void unclaim() override { set(claimed_, false); }
  void ring_parked() override { set(parked_rung_, true); }
  void park(Time wanted) override {
    pauses_.here();
    MutexLock lock(mutex_);
    const auto until = end_of(wanted);
    while (!parked_rung_ && (claimed_ || !rung_) && changed_.wait_until(mutex_, until)) {
    }
    parked_rung_ = false;  // rung_ stays until whoever has the baton looks
  }
  void nap(Time wanted) override {
    pauses_.here();
    MutexLock lock(mutex_);
    while (!parked_rung_ && changed_.wait_until(mutex_, end_of(wanted))) {
    }
    parked_rung_ = false;
  }
  void interrupt() { set(interrupted_, true); }

 private:
  std::chrono::steady_clock::time_point end_of(Time wanted) const {
    return keeps_time_ && wanted != kNever
               ? std::chrono::steady_clock::time_point(std::chrono::nanoseconds(wanted))
               : std::chrono::steady_clock::now() + std::chrono::nanoseconds(2 * kPatience);
  }
  void set(bool& flag, bool value) {
    pauses_.here();
    {
      MutexLock lock(mutex_);
      flag = value;
      changed_.notify_all();
    }
    pauses_.here();
  }
  Pauses& pauses_;
  const bool keeps_time_;
  Mutex mutex_;
  Condition changed_;
  bool rung_ = false;
  bool parked_rung_ = false;
  bool claimed_ = false;
  bool interrupted_ = false;
};

// Items finish when the wire says so, on another thread; it rings if the reader sleeps, as a peer
// does (store, fence, load on both sides).
class WiredPlane final : public DataPlane {
 public:
  WiredPlane(FakeIdle& idle, Pauses& pauses) : idle_(idle), pauses_(pauses) {}
  std::string description() const override { return "wired"; }
  Status accepts(const Request&) const override { return ok_status(); }
  void tensor_ready(const Request&) override {}
  ScheduleChoice choose(const WorkShape&) override { return 0; }
  void start(WorkItem item) override {
    MutexLock lock(mutex_);
    outgoing_.push_back(item.id);
    running_.insert(item.id);
    changed_.notify_all();
  }
  bool progress() override { return false; }
  bool take_completion(WorkCompletion& completion) override {
    MutexLock lock(mutex_);
    if (arrived_.empty()) {
      return false;
    }
    completion = {arrived_.front(), ok_status()};
    running_.erase(arrived_.front());
    arrived_.pop_front();
    return true;
  }
  bool busy() const override {
    MutexLock lock(mutex_);
    return !running_.empty();
  }
  void abort(const Status&) override {}
  bool prepare_sleep() override {
    pauses_.here();
    asleep_.store(true, std::memory_order_seq_cst);
    pauses_.here();
    MutexLock lock(mutex_);
    return arrived_.empty();
  }
  // Last step but one before the reader listens for submissions only.
  void say_done() override {
    if (at_say_done) {
      at_say_done();
    }
  }
  void end_sleep() override {
    asleep_.store(false, std::memory_order_seq_cst);
    pauses_.here();
  }

  // The wire's thread.
  void carry() {
    while (true) {
      {
        MutexLock lock(mutex_);
        while (outgoing_.empty() && !cut_) {
          changed_.wait(mutex_);
        }
        if (outgoing_.empty()) {
          return;
        }
        arrived_.push_back(outgoing_.front());
        outgoing_.pop_front();
      }
      pauses_.here();
      if (asleep_.load(std::memory_order_seq_cst)) {
        idle_.ring();
      }
    }
  }
  void cut() {
    MutexLock lock(mutex_);
    cut_ = true;
    changed_.notify_all();
  }

  std::function<void()> at_say_done;

 private:
  FakeIdle& idle_;
  Pauses& pauses_;
  mutable Mutex mutex_;
  Condition changed_;
  std::deque<std::uint64_t> outgoing_ HVD_GUARDED_BY(mutex_);
  std::deque<std::uint64_t> arrived_ HVD_GUARDED_BY(mutex_);
  std::set<std::uint64_t> running_ HVD_GUARDED_BY(mutex_);
  bool cut_ HVD_GUARDED_BY(mutex_) = false;
  std::atomic<bool> asleep_{false};
};

class NoPeers final : public ControlPlane {
 public:
  void send(Rank, std::span<const std::byte>) override {}
  bool receive(ControlEvent&) override { return false; }
  bool flushed() const override { return true; }
};

// A timer that runs would heal a lost wake-up by chance.
Config without_timers() {
  Config config;
  config.stall_warning_seconds = 0;
  return config;
}

struct Runtime {
  explicit Runtime(std::uint64_t seed, SpinPolicy spin = {}, int rank_count = 1)
      : pauses(seed),
        idle(pauses, spin.listen_after > 0),
        coordinator(without_timers(), job_of(rank_count), {clock, control, data, logger}),
        progress(coordinator, data, idle, clock, spin),
        wire("wire", [this] { data.carry(); }) {}
  ~Runtime() { data.cut(); }
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  OperationPtr submit(const std::string& name) { return *coordinator.submit(request_of(name)); }
  WaitOutcome wait(const OperationPtr& operation) {
    return progress.wait(*operation, clock.now() + kPatience);
  }

  Pauses pauses;
  PausingClock clock{pauses};
  Logger logger{LogLevel::off, "", nullptr};
  NoPeers control;
  FakeIdle idle;
  WiredPlane data{idle, pauses};
  Coordinator coordinator;
  Progress progress;
  Thread wire;
};

// Submits and waits in every mixture; returns how many waits did not end well.
// Threads that yield to one another take turns with whatever else the machine runs, so that a round
// may last 40 ms instead of 0.1. Then fewer rounds have to do.
bool go_on(const Runtime& runtime, int round, int round_count, Time enough) {
  return round < 40 || (round < round_count && runtime.clock.now() < enough);
}

int use_runtime(Runtime& runtime, int user, int operation_count) {
  Random random(static_cast<std::uint64_t>(user) + 99);
  int bad_count = 0;
  std::vector<OperationPtr> open;
  const Time enough = runtime.clock.now() + 300 * kMillisecond;
  for (int i = 0; go_on(runtime, i, operation_count, enough); ++i) {
    open.push_back(runtime.submit(str("u", user, ".", i)));
    if (random.below(2) == 0) {
      runtime.progress.notify_submitted();  // somebody waits later
      if (open.size() < 4) {
        continue;
      }
    }
    while (!open.empty()) {
      bad_count += runtime.wait(open.back()) != WaitOutcome::done;
      open.pop_back();
    }
  }
  for (const OperationPtr& operation : open) {
    bad_count += runtime.wait(operation) != WaitOutcome::done;
  }
  return bad_count;
}

void use_by_three(std::uint64_t seed, SpinPolicy spin) {
  INFO("seed " << seed << " spin " << spin.length << " listen after " << spin.listen_after);
  Runtime runtime(seed * 1'000'000, spin);
  std::atomic<int> bad_count{0};
  {
    std::vector<Thread> users;
    users.reserve(3);
    for (int user = 0; user < 3; ++user) {
      users.emplace_back("user", [&, user] { bad_count += use_runtime(runtime, user, 200); });
    }
  }
  CHECK(bad_count == 0);
  runtime.progress.leave(runtime.clock.now() + kPatience);
}

TEST_CASE("no wake-up is lost however the baton changes hands", "[progress]") {
  for (const Nanos spin : {Nanos{0}, 20 * kMicrosecond}) {
    for (std::uint64_t seed = 0; seed < 4; ++seed) {
      use_by_three(seed, {.length = spin, .hold = 0, .look_again = kNever});
    }
  }
}

// Here parking ends by its time, which is what the background thread listens by.
TEST_CASE("no wake-up is lost where peers are told to ring only later", "[progress]") {
  for (const Nanos listen_after : {20 * kMicrosecond, kMillisecond}) {
    for (std::uint64_t seed = 10; seed < 14; ++seed) {
      use_by_three(seed, {.length = 20 * kMicrosecond,
                          .look_again = kNever,
                          .socket_look = 5 * kMicrosecond,
                          .listen_after = listen_after,
                          .listen_after_most = 4 * listen_after});
    }
  }
}

bool done_in_time(const Runtime& runtime, const Operation& operation) {
  const Time until = runtime.clock.now() + kPatience;
  while (!operation.done && runtime.clock.now() < until) {
    yield_thread();
  }
  return operation.done;
}

// One round: a user waits for its own operation and goes away, while another submits one for which
// nobody waits. Nothing comes after it that would heal a lost wake-up.
void submit_beside_a_waiter(SpinPolicy spin) {
  Runtime runtime(1, spin);
  constexpr int round_count = 2000;
  const Time enough = runtime.clock.now() + 2 * kSecond;
  std::atomic<int> round{0};
  std::atomic<bool> over{false};
  std::atomic<int> waited_round{0};
  std::atomic<int> bad_count{0};
  Thread waits("waits", [&] {
    for (int i = 1; true; ++i) {
      while (round < i && !over) {
        yield_thread();
      }
      if (round < i) {
        return;
      }
      bad_count += runtime.wait(runtime.submit(str("w", i))) != WaitOutcome::done;
      waited_round = i;
    }
  });
  for (int i = 1; bad_count == 0 && go_on(runtime, i, round_count, enough); ++i) {
    round = i;
    for (int pause = i % 40; pause > 0; --pause) {
      runtime.pauses.here();  // so that it falls into every step of the hand-over
    }
    const OperationPtr operation = runtime.submit(str("x", i));
    runtime.progress.notify_submitted();
    while (waited_round < i) {
      yield_thread();
    }
    bad_count += !done_in_time(runtime, *operation);
  }
  over = true;
  waits.join();
  CAPTURE(spin.listen_after);
  CHECK(bad_count == 0);
  runtime.progress.leave(runtime.clock.now() + kPatience);
}

TEST_CASE("what nobody waits for is done while another user gives the baton back", "[progress]") {
  submit_beside_a_waiter({.look_again = kNever});
  submit_beside_a_waiter({.look_again = kNever, .listen_after = 100 * kMicrosecond});
}

TEST_CASE("what is submitted while the background thread lies down is begun at once",
          "[progress]") {
  Runtime runtime(6, {.look_again = kNever, .listen_after = kMillisecond});
  const auto user = std::this_thread::get_id();
  OperationPtr late;
  std::atomic<bool> submitted{false};
  runtime.data.at_say_done = [&] {
    if (!submitted && std::this_thread::get_id() != user) {
      late = runtime.submit("late");
      submitted = true;
    }
  };
  for (int i = 0; !submitted; ++i) {  // until it lies down after a user has driven
    REQUIRE(runtime.wait(runtime.submit(str("waited", i))) == WaitOutcome::done);
    const OperationPtr wakes = runtime.submit(str("wakes", i));
    runtime.progress.notify_submitted();
    REQUIRE(done_in_time(runtime, *wakes));
    while (runtime.coordinator.baton.taken()) {
      yield_thread();
    }
  }
  runtime.progress.notify_submitted();  // which the thread, back up or not, must not need
  CHECK(done_in_time(runtime, *late));
  runtime.progress.leave(runtime.clock.now() + kPatience);
}

// The background thread looks for the last time, the user submits, finds the baton taken, and
// sleeps.
TEST_CASE("a wait that finds the baton taken is not forgotten", "[progress]") {
  Runtime runtime(5, {.look_again = kNever});
  for (int i = 0; i < 2000; ++i) {
    const OperationPtr first = runtime.submit(str("x", i));
    runtime.progress.notify_submitted();
    REQUIRE(done_in_time(runtime, *first));
    REQUIRE(runtime.wait(runtime.submit(str("y", i))) == WaitOutcome::done);
  }
  runtime.progress.leave(runtime.clock.now() + kPatience);
}

TEST_CASE("a wait ends at its time", "[progress]") {
  Runtime runtime(2, {}, 2);  // the other rank never comes
  const OperationPtr operation = runtime.submit("x");
  CHECK(runtime.progress.wait(*operation, runtime.clock.now() - 1) == WaitOutcome::timed_out);
  CHECK_FALSE(operation->done);
  runtime.progress.leave(runtime.clock.now() + kPatience);
  CHECK(operation->done);
  CHECK(operation->status.code() == StatusCode::precondition);
}

TEST_CASE("a signal interrupts a wait and the operation stays valid", "[progress]") {
  Runtime runtime(3, {}, 2);
  const OperationPtr operation = runtime.submit("x");
  std::atomic<bool> stop{false};
  Thread signals("signals", [&] {
    while (!stop) {
      runtime.idle.interrupt();
      yield_thread();
    }
  });
  CHECK(runtime.wait(operation) == WaitOutcome::interrupted);
  stop = true;
  CHECK_FALSE(operation->done);
  runtime.progress.leave(runtime.clock.now() + kPatience);
}

TEST_CASE("leaving ends the waits of other threads", "[progress]") {
  for (int i = 0; i < 20; ++i) {
    Runtime runtime(static_cast<std::uint64_t>(i), {}, 2);
    const OperationPtr operation = runtime.submit("x");
    std::atomic<bool> waits{false};
    WaitOutcome outcome = WaitOutcome::timed_out;
    Thread user("user", [&] {
      waits = true;
      outcome = runtime.wait(operation);
    });
    while (!waits) {
      yield_thread();
    }
    runtime.progress.leave(runtime.clock.now() + kPatience);
    user.join();
    CHECK(outcome == WaitOutcome::done);
    CHECK(operation->status.code() == StatusCode::precondition);
  }
}

TEST_CASE("a runtime that nobody used goes at once", "[progress]") {
  for (int i = 0; i < 50; ++i) {
    Runtime runtime(static_cast<std::uint64_t>(i));
    if (i % 2 == 0) {
      runtime.progress.leave(runtime.clock.now() + kPatience);
    }
  }
  SUCCEED();
}

}  // namespace
}  // namespace hvd
