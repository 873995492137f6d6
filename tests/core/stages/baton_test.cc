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
  const bool first = baton.try_take();
  REQUIRE(first);
  bool second = true;
  Thread("tries", [&] {
    second = baton.try_take();
    if (second) {
      baton.give_back();
    }
  }).join();
  CHECK_FALSE(second);
  if (first) {
    baton.give_back();
  }
}

}  // namespace
}  // namespace hvd
