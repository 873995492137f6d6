#include "core/base/mutex.h"

#include <vector>

#include "core/base/thread.h"
#include "tests/catch.h"

namespace hvd {
namespace {

struct Counter {
  Mutex mutex;
  Condition changed;
  int value HVD_GUARDED_BY(mutex) = 0;

  void add() {
    MutexLock lock(mutex);
    ++value;
    changed.notify_all();
  }
  int get() {
    MutexLock lock(mutex);
    return value;
  }
  void wait_for(int wanted) {
    MutexLock lock(mutex);
    while (value < wanted) {
      changed.wait(mutex);
    }
  }
};

TEST_CASE("a lock keeps others out", "[mutex]") {
  Counter counter;
  {
    std::vector<Thread> threads;
    threads.reserve(4);
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back("adds", [&] {
        for (int i = 0; i < 10'000; ++i) {
          counter.add();
        }
      });
    }
  }
  CHECK(counter.get() == 40'000);
}

TEST_CASE("a locked mutex cannot be taken and a free one can", "[mutex]") {
  Mutex mutex;
  const auto taken_elsewhere = [&] {
    bool taken = false;
    Thread("tries", [&] {
      if (mutex.try_lock()) {
        taken = true;
        mutex.unlock();
      }
    }).join();
    return taken;
  };
  {
    MutexLock lock(mutex);
    CHECK_FALSE(taken_elsewhere());
  }
  CHECK(taken_elsewhere());
}

TEST_CASE("a waiter wakes when it is notified", "[mutex]") {
  Counter counter;
  Thread adds("adds", [&] { counter.add(); });
  counter.wait_for(1);
  CHECK(counter.get() == 1);
}

TEST_CASE("a wait that nobody ends returns at its time", "[mutex]") {
  Mutex mutex;
  Condition condition;
  MutexLock lock(mutex);
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(1);
  while (condition.wait_until(mutex, until)) {
  }
  CHECK(std::chrono::steady_clock::now() >= until);
}

}  // namespace
}  // namespace hvd
