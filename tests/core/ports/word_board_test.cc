#include "core/ports/word_board.h"

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("a word counts in its own epoch only, and grows with both", "[word_board]") {
  const PlanWord word(3, 17);
  CHECK(word.count_in(3) == 17);
  CHECK(word.count_in(2) == 0);
  CHECK(word.count_in(4) == 0);
  CHECK(PlanWord().count_in(1) == 0);
  CHECK(PlanWord::of_bits(word.bits()).count_in(3) == 17);
  CHECK(PlanWord(3, 18).bits() > word.bits());
  CHECK(PlanWord(4, 0).bits() > PlanWord(3, (std::uint64_t{1} << 40) - 1).bits());
  CHECK(PlanWord(kPlanEpochMost, 5).count_in(kPlanEpochMost) == 5);
}

}  // namespace
}  // namespace hvd
