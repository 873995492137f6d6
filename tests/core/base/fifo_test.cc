#include "core/base/fifo.h"

#include <rapidcheck.h>

#include <deque>
#include <memory>

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("a fifo gives back what was pushed, in order", "[fifo]") {
  CHECK(rc::check([](const std::vector<bool>& pushes) {
    Fifo<int> fifo;
    std::deque<int> model;
    int next = 0;
    for (const bool push : pushes) {
      if (push) {
        fifo.push(next);
        model.push_back(next++);
      } else if (!model.empty()) {
        RC_ASSERT(fifo.pop() == model.front());
        model.pop_front();
      }
      RC_ASSERT(fifo.empty() == model.empty());
    }
    fifo.clear();
    RC_ASSERT(fifo.empty());
  }));
}

TEST_CASE("a fifo holds values that can only be moved", "[fifo]") {
  Fifo<std::unique_ptr<int>> fifo;
  for (int i = 0; i < 10; ++i) {
    fifo.push(std::make_unique<int>(i));
  }
  for (int i = 0; i < 10; ++i) {
    CHECK(*fifo.pop() == i);
  }
}

}  // namespace
}  // namespace hvd
