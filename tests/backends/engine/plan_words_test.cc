#include "backends/engine/plan_words.h"

#include "backends/loopback/loopback_world.h"
#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("a word is seen by all ranks of the host, and rings those that sleep", "[engine]") {
  SteadyClock clock;
  LoopbackWorld world(3, clock);
  std::vector<std::unique_ptr<LoopbackTransport>> wires;
  std::vector<std::unique_ptr<PlanWords>> boards;
  for (int r = 0; r < 3; ++r) {
    wires.push_back(world.make_transport(Rank(r)));
    boards.push_back(PlanWords::create(*wires.back(), Rank(r)));
    REQUIRE(boards.back() != nullptr);
  }
  const auto bell = world.make_idle(Rank(2));
  wires[2]->prepare_sleep();
  boards[0]->publish(PlanWord(1, 4));
  CHECK(bell->poll());
  for (const auto& board : boards) {
    CHECK(board->word_of(Rank(0)).count_in(1) == 4);
    CHECK(board->word_of(Rank(1)).count_in(1) == 0);
  }
  boards[0]->publish(PlanWord(1, 5));
  CHECK_FALSE(bell->poll());  // it was rung already
}

}  // namespace
}  // namespace hvd
