#include "backends/engine/store_tuner.h"

#include "tests/catch.h"

namespace hvd {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

// A machine on which an item takes so long with either kind of store.
class Machine {
 public:
  Nanos cached = 80 * kMicrosecond;
  Nanos streamed = 140 * kMicrosecond;
  CollectiveKind kind = CollectiveKind::allreduce;
  std::uint64_t bytes = kMiB;
  int disturb_every = 0;  // an item of so many takes ten times as long
  bool crowded = false;   // others ran in between

  // True if the item stored past the caches.
  bool run_item(bool first = false) {
    const bool stream = tuner_.begins(kind, bytes, first, now_);
    Nanos took = stream ? streamed : cached;
    if (disturb_every > 0 && ++items_ % disturb_every == 0) {
      took *= 10;
    }
    now_ += took;
    if (crowded) {
      tuner_.passes_over(kind, bytes, stream);
    } else {
      tuner_.ends(kind, bytes, stream, took);
    }
    return stream;
  }
  // How many of them did.
  int run_items(int count) {
    int streams = 0;
    for (int i = 0; i < count; ++i) {
      streams += run_item() ? 1 : 0;
    }
    return streams;
  }

 private:
  StoreTuner tuner_;
  Time now_ = 5 * kSecond;
  int items_ = 0;
};

TEST_CASE("a store tuner begins with the guess that it is given", "[engine]") {
  CHECK_FALSE(Machine().run_item(false));
  CHECK(Machine().run_item(true));
}

TEST_CASE("a store tuner goes over to faster stores within a few items", "[engine]") {
  Machine machine;
  machine.cached = 300 * kMicrosecond;
  machine.run_items(8);
  CHECK(machine.run_items(12) == 12);
}

TEST_CASE("a store tuner stays with the faster stores after a trial", "[engine]") {
  Machine machine;
  CHECK(machine.run_items(10) == 1);  // hopeless, so one item was enough
}

TEST_CASE("a store tuner does not go over for less than noise", "[engine]") {
  Machine machine;
  machine.streamed = machine.cached * 98 / 100;
  CHECK(machine.run_items(60) == 6);  // three early trials
}

TEST_CASE("a store tuner follows a machine whose cores move apart and together again", "[engine]") {
  Machine machine;
  machine.run_items(1000);
  machine.cached = 317 * kMicrosecond;
  machine.run_items(24);
  CHECK(machine.run_items(50) == 50);
  machine.cached = 76 * kMicrosecond;
  machine.run_items(1000);  // nothing got worse, so only the next trial shows it
  CHECK(machine.run_items(10) == 0);
}

TEST_CASE("trials take at most two in a hundred items, and of short ones fewer", "[engine]") {
  Machine machine;
  machine.streamed = machine.cached * 11 / 10;
  machine.bytes = 64 * kMiB;
  machine.cached *= 64;
  machine.streamed *= 64;
  CHECK(machine.run_items(10'000) <= 206);
  Machine brief;
  brief.streamed = brief.cached * 11 / 10;
  CHECK(brief.run_items(10'000) <= 40);  // 0.8 s, a trial every 50 ms
}

TEST_CASE("single disturbed items neither decide for stores nor lead to trials", "[engine]") {
  Machine machine;
  machine.streamed = machine.cached * 12 / 10;
  machine.disturb_every = 7;
  CHECK(machine.run_items(70) <= 6);
}

TEST_CASE("first items that are slow by themselves decide nothing for long", "[engine]") {
  Machine machine;
  machine.cached = 2 * kMillisecond;  // the first touch of memory
  machine.run_items(2);
  machine.cached = 80 * kMicrosecond;
  CHECK(machine.run_items(8) == 1);
  Machine colder;  // so long that even the first trial is misled
  colder.cached = 2 * kMillisecond;
  colder.run_items(9);
  colder.cached = 80 * kMicrosecond;
  colder.run_items(20);
  CHECK(colder.run_items(10) == 0);
}

TEST_CASE("items beside which others ran decide nothing, and trials go on after them", "[engine]") {
  Machine machine;
  machine.run_items(50);
  machine.crowded = true;
  machine.cached = 900 * kMicrosecond;  // which is not how it stores
  CHECK(machine.run_items(40) == 0);
  machine.crowded = false;
  machine.run_items(30);
  machine.crowded = true;
  machine.run_items(30);
  machine.crowded = false;
  CHECK(machine.run_items(20) == 20);
}

TEST_CASE("a store tuner learns for each kind and size of item", "[engine]") {
  Machine machine;
  machine.cached = 300 * kMicrosecond;
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

}  // namespace
}  // namespace hvd
