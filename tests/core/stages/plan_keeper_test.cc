#include "core/stages/plan_keeper.h"

#include "tests/catch.h"
#include "tests/core/stages/plan_samples.h"

namespace hvd {
namespace {

using test::entry_of;
using test::plan_group;

PlanMessage plan_of(std::uint32_t epoch) { return {epoch, {plan_group({"a", "b"})}}; }

TEST_CASE("announcements of a plan's names are its own, while it is in force", "[plan_keeper]") {
  PlanKeeper keeper(2, 2);
  CHECK_FALSE(keeper.owns(entry_of("a")));
  PlanMessage plan = plan_of(1);
  PlanTensor unnamed{test::unnamed_entry(8), 0};
  unnamed.entry.name = "allreduce.noname";
  plan.groups.front().tensors.push_back(unnamed);
  keeper.begin(plan);
  CHECK(keeper.owns(entry_of("a")));
  CHECK_FALSE(keeper.owns(entry_of("c")));
  CHECK(keeper.owns(test::unnamed_entry(8)));
  CHECK(keeper.owns(test::unnamed_entry(1000)));
  CHECK_FALSE(keeper.owns(test::unnamed_entry(7)));  // was announced before
  CHECK_FALSE(keeper.owns(entry_of("allreduce.noname")));
}

TEST_CASE("the gate follows the slowest word", "[plan_keeper]") {
  PlanKeeper keeper(3, 2);
  keeper.begin(plan_of(1));
  CHECK_FALSE(keeper.on_word(Rank(0), 5));
  CHECK_FALSE(keeper.on_word(Rank(1), 3));
  CHECK(keeper.on_word(Rank(2), 4));
  CHECK(keeper.gate() == 3);
  CHECK_FALSE(keeper.on_word(Rank(2), 2));  // words only grow
  CHECK(keeper.gate() == 3);
}

TEST_CASE("a plan is cut behind what all are committed to, once all have said how far they are",
          "[plan_keeper]") {
  PlanKeeper keeper(3, 2);
  CHECK_FALSE(keeper.begin_thaw());
  keeper.begin(plan_of(1));
  REQUIRE(keeper.begin_thaw());
  CHECK_FALSE(keeper.begin_thaw());  // under way
  keeper.on_last_word(Rank(0), 7);
  keeper.on_last_word(Rank(1), 5);
  CHECK_FALSE(keeper.may_cut());
  keeper.on_last_word(Rank(0), 1);  // said already
  keeper.on_last_word(Rank(2), 6);
  REQUIRE(keeper.may_cut());
  CHECK(keeper.cut() == 5);
  CHECK_FALSE(keeper.in_force());
}

TEST_CASE("of a rank that is gone counts what it said before, or nothing", "[plan_keeper]") {
  PlanKeeper keeper(2, 2);
  keeper.begin(plan_of(1));
  keeper.on_last_word(Rank(1), 4);
  keeper.on_gone(Rank(1));
  (void)keeper.begin_thaw();
  keeper.on_last_word(Rank(0), 9);
  CHECK(keeper.cut() == 4);
  keeper.begin(plan_of(2));
  keeper.on_gone(Rank(1));
  (void)keeper.begin_thaw();
  keeper.on_last_word(Rank(0), 9);
  CHECK(keeper.cut() == 0);
}

TEST_CASE(
    "after a short plan more cycles are asked for, up to a limit; after a long one as few as "
    "at first",
    "[plan_keeper]") {
  PlanKeeper keeper(1, 2);
  std::uint32_t epoch = 0;
  const auto run = [&](std::uint64_t positions) {
    keeper.begin(plan_of(++epoch));
    (void)keeper.begin_thaw();
    keeper.on_last_word(Rank(0), positions);
    (void)keeper.cut();
    return keeper.cycles();
  };
  CHECK(run(3) == 4);
  CHECK(run(3) == 8);
  CHECK(run(3) == 16);
  CHECK(run(3) == 32);
  CHECK(run(3) == 32);
  CHECK(run(100) == 2);
}

}  // namespace
}  // namespace hvd
