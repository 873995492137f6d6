#include "backends/engine/two_way_tuner.h"

#include "tests/catch.h"

namespace hvd {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

// A machine on which an item takes so long either way.
class Machine {
 public:
  Nanos first = 80 * kMicrosecond;
  Nanos second = 140 * kMicrosecond;
  CollectiveKind kind = CollectiveKind::allreduce;
  std::uint64_t bytes = kMiB;
  int disturb_every = 0;  // an item of so many takes ten times as long
  bool crowded = false;   // others ran in between

  // True if the item went the second way.
  bool run_item(bool guess = false) {
    const bool is_second = tuner_.begins(kind, bytes, guess, now_);
    Nanos took = is_second ? second : first;
    if (disturb_every > 0 && ++items_ % disturb_every == 0) {
      took *= 10;
    }
    now_ += took;
    if (crowded) {
      tuner_.passes_over(kind, bytes, is_second);
    } else {
      tuner_.ends(kind, bytes, is_second, took);
    }
    return is_second;
  }
  // How many of them did.
  int run_items(int count) {
    int seconds = 0;
    for (int i = 0; i < count; ++i) {
      seconds += run_item() ? 1 : 0;
    }
    return seconds;
  }

  const TwoWayTuner& tuner() const { return tuner_; }

 private:
  TwoWayTuner tuner_;
  Time now_ = 5 * kSecond;
  int items_ = 0;
};

TEST_CASE("a tuner of two ways is settled after its first trials, and then says what is in use",
          "[engine]") {
  Machine machine;
  std::swap(machine.first, machine.second);
  const CollectiveKind kind = machine.kind;
  CHECK(machine.tuner().settled(kind, kMiB));  // it knows nothing and tries nothing
  CHECK(machine.tuner().in_use(kind, kMiB, true));
  CHECK_FALSE(machine.tuner().in_use(kind, kMiB, false));
  (void)machine.run_items(4);
  CHECK_FALSE(machine.tuner().settled(kind, kMiB));
  (void)machine.run_items(100);
  CHECK(machine.tuner().settled(kind, kMiB));
  CHECK(machine.tuner().in_use(kind, kMiB, false));
}

TEST_CASE("a tuner of two ways begins with the guess that it is given", "[engine]") {
  CHECK_FALSE(Machine().run_item(false));
  CHECK(Machine().run_item(true));
}

TEST_CASE("a tuner of two ways goes over to the faster one within a few items", "[engine]") {
  Machine machine;
  machine.first = 300 * kMicrosecond;
  machine.run_items(8);
  CHECK(machine.run_items(12) == 12);
}

TEST_CASE("a tuner of two ways stays with the faster one after a trial", "[engine]") {
  Machine machine;
  CHECK(machine.run_items(10) == 1);  // hopeless, so one item was enough
}

TEST_CASE("a tuner of two ways does not go over for less than noise", "[engine]") {
  Machine machine;
  machine.second = machine.first * 98 / 100;
  CHECK(machine.run_items(60) == 6);  // three early trials
}

TEST_CASE("a tuner of two ways follows a machine whose cores move apart and together again",
          "[engine]") {
  Machine machine;
  machine.run_items(1000);
  machine.first = 317 * kMicrosecond;
  machine.run_items(24);
  CHECK(machine.run_items(50) == 50);
  machine.first = 76 * kMicrosecond;
  machine.run_items(1000);  // nothing got worse, so only the next trial shows it
  CHECK(machine.run_items(10) == 0);
}

TEST_CASE("trials take at most two in a hundred items, and of short ones fewer", "[engine]") {
  Machine machine;
  machine.second = machine.first * 11 / 10;
  machine.bytes = 64 * kMiB;
  machine.first *= 64;
  machine.second *= 64;
  CHECK(machine.run_items(10'000) <= 206);
  Machine brief;
  brief.second = brief.first * 11 / 10;
  CHECK(brief.run_items(10'000) <= 40);  // 0.8 s, a trial every 50 ms
}

TEST_CASE("single disturbed items neither decide nor lead to trials", "[engine]") {
  Machine machine;
  machine.second = machine.first * 12 / 10;
  machine.disturb_every = 7;
  CHECK(machine.run_items(70) <= 6);
}

TEST_CASE("first items that are slow by themselves decide nothing for long", "[engine]") {
  Machine machine;
  machine.first = 2 * kMillisecond;  // the first touch of memory
  machine.run_items(2);
  machine.first = 80 * kMicrosecond;
  CHECK(machine.run_items(8) == 1);
  Machine colder;  // so long that even the first trial is misled
  colder.first = 2 * kMillisecond;
  colder.run_items(9);
  colder.first = 80 * kMicrosecond;
  colder.run_items(20);
  CHECK(colder.run_items(10) == 0);
}

TEST_CASE("items beside which others ran decide nothing, and trials go on after them", "[engine]") {
  Machine machine;
  machine.run_items(50);
  machine.crowded = true;
  machine.first = 900 * kMicrosecond;  // which is not its own time
  CHECK(machine.run_items(40) == 0);
  machine.crowded = false;
  machine.run_items(30);
  machine.crowded = true;
  machine.run_items(30);
  machine.crowded = false;
  CHECK(machine.run_items(20) == 20);
}

TEST_CASE("a tuner of two ways learns for each kind and size of item", "[engine]") {
  Machine machine;
  machine.first = 300 * kMicrosecond;
  machine.run_items(16);
  CHECK(machine.run_item());
  machine.kind = CollectiveKind::broadcast;
  CHECK_FALSE(machine.run_item());
  machine.kind = CollectiveKind::allreduce;
  machine.bytes = 2 * kMiB;
  CHECK_FALSE(machine.run_item());
  machine.bytes = std::uint64_t{1} << 50;
  CHECK_FALSE(machine.run_item());
}

TEST_CASE("a tuner of two ways learns nothing of items for which it was not asked", "[engine]") {
  TwoWayTuner tuner;
  for (int i = 0; i < 20; ++i) {
    tuner.ends(CollectiveKind::alltoall, kMiB, false, kMillisecond);
  }
  for (int i = 0; i < 6; ++i) {  // as many as precede the first trial
    CHECK(tuner.begins(CollectiveKind::alltoall, kMiB, true, kSecond));
    tuner.ends(CollectiveKind::alltoall, kMiB, true, kMillisecond);
  }
  CHECK_FALSE(tuner.begins(CollectiveKind::alltoall, kMiB, true, kSecond));
}

}  // namespace
}  // namespace hvd
