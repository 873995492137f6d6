#include "core/stages/baton.h"

#include <vector>

#include "core/base/thread.h"
#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("the baton has one holder at a time", "[baton]") {
  Baton baton;
  int count = 0;  // unguarded on purpose: only the baton protects it
  {
    std::vector<Thread> threads;
    threads.reserve(4);
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back("takes", [&] {
        for (int i = 0; i < 5'000;) {
          if (baton.try_take()) {
            ++count;
            ++i;
            baton.give_back();
          } else {
            yield_thread();
          }
        }
      });
    }
  }
  CHECK(count == 20'000);
}

TEST_CASE("a held baton is not given twice", "[baton]") {
  Baton baton;
  const auto taken_elsewhere = [&] {
    bool taken = false;
    Thread("tries", [&] {
      if (baton.try_take()) {
        taken = true;
        baton.give_back();
      }
    }).join();
    return taken;
  };
  CHECK(taken_elsewhere());
  if (baton.try_take()) {
    CHECK_FALSE(taken_elsewhere());
    baton.give_back();
  } else {
    FAIL("a free baton was not given");
  }
}

}  // namespace
}  // namespace hvd
