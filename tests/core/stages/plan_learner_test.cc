#include "core/stages/plan_learner.h"

#include "tests/catch.h"
#include "tests/core/stages/plan_samples.h"

namespace hvd {
namespace {

using test::decide_all;
using test::decided;
using test::entry_of;
using test::shape_of;

std::vector<std::string> cycle_of(const PlanLearner& learner) {
  std::vector<std::string> names;
  for (const PlanLearner::Tensor& tensor : learner.cycle_from_here()) {
    names.push_back(str(tensor.entry.name, tensor.use == 0 ? "" : str(" ", tensor.use)));
  }
  return names;
}

TEST_CASE("a cycle is learned once it has come as often as is asked, and begins with what is next",
          "[plan_learner]") {
  PlanLearner learner(2);
  for (int step = 0; step < 3; ++step) {
    decide_all(learner, {"a", "b", "c"});
    CHECK_FALSE(learner.knows_cycle());
  }
  // The first "a" that came back began the first of two cycles that are alike.
  decide_all(learner, {"a"});
  REQUIRE(learner.knows_cycle());
  CHECK(cycle_of(learner) == std::vector<std::string>{"b", "c", "a"});
  decide_all(learner, {"b"});
  CHECK(cycle_of(learner) == std::vector<std::string>{"c", "a", "b"});
  learner.on_decided(decided(entry_of("c", CollectiveKind::allreduce, shape_of({9}))));
  CHECK_FALSE(learner.knows_cycle());
}

TEST_CASE("what comes only sometimes, or as another operation, is not in the plan",
          "[plan_learner]") {
  PlanLearner learner(2);
  for (int step = 0; step < 4; ++step) {
    for (const char* name : {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}) {
      learner.on_decided(decided(entry_of(name)));
    }
    learner.on_decided(decided(entry_of("grows", CollectiveKind::allreduce, shape_of({step, 3}))));
    if (step == 1) {
      learner.on_decided(decided(entry_of("metric")));
    }
    // Rows differ from step to step, too.
    learner.on_decided(decided(entry_of("rows", CollectiveKind::allgather), {step, 1}));
  }
  // The first try is with a cycle that begins with "a"; two of twelve are no reason for another.
  CHECK_FALSE(learner.knows_cycle());
}

TEST_CASE("one that does not fit among many does not keep the others from being learned",
          "[plan_learner]") {
  PlanLearner learner(2);
  const std::vector<std::string> names = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
  for (int step = 0; step < 4; ++step) {
    if (step == 2) {
      decide_all(learner, {"metric"});
    }
    decide_all(learner, names);
  }
  REQUIRE(learner.knows_cycle());
  CHECK(cycle_of(learner).size() == names.size());
}

TEST_CASE("a name that is used twice in a step is two places of the cycle", "[plan_learner]") {
  PlanLearner learner(2);
  int step = 0;
  for (; step < 20 && !learner.knows_cycle(); ++step) {
    decide_all(learner, {"loss", "a", "loss", "b"});
  }
  REQUIRE(learner.knows_cycle());
  CHECK(step < 12);
  std::vector<std::string> names = cycle_of(learner);
  std::sort(names.begin(), names.end());
  CHECK(names == std::vector<std::string>{"a", "b", "loss", "loss 1"});
}

TEST_CASE("unnamed operations of a kind are one family, counted within the cycle",
          "[plan_learner]") {
  PlanLearner learner(2);
  std::uint64_t number = 0;
  for (int step = 0; step < 12 && !learner.knows_cycle(); ++step) {
    decide_all(learner, {"a"});
    learner.on_decided(decided(test::unnamed_entry(++number)));
    learner.on_decided(decided(test::unnamed_entry(++number)));
  }
  REQUIRE(learner.knows_cycle());
  CHECK(cycle_of(learner) ==
        std::vector<std::string>{"a", "allreduce.noname", "allreduce.noname 1"});
}

TEST_CASE("the tensors of a grouped operation are one use of its name", "[plan_learner]") {
  PlanLearner learner(2);
  for (int step = 0; step < 4; ++step) {
    for (std::uint32_t i = 0; i < 3; ++i) {
      Decision decision = decided(entry_of("group"));
      decision.tensor = i;
      learner.on_decided(decision);
    }
    decide_all(learner, {"a"});
  }
  REQUIRE(learner.knows_cycle());
  const std::vector<PlanLearner::Tensor> cycle = learner.cycle_from_here();
  REQUIRE(cycle.size() == 2);
  CHECK(cycle[0].entry.members.size() == 3);
  CHECK(cycle[0].member_rows.size() == 3);
  CHECK(cycle[1].entry.members.empty());
}

TEST_CASE("a failure makes it begin anew, and with 0 cycles nothing is learned", "[plan_learner]") {
  PlanLearner learner(1);
  decide_all(learner, {"a", "a"});
  learner.on_decided({.status = error(StatusCode::mismatch, "no"), .entry = entry_of("b")});
  decide_all(learner, {"a", "a"});
  CHECK_FALSE(learner.knows_cycle());
  decide_all(learner, {"a", "a", "a"});
  CHECK(learner.knows_cycle());
  PlanLearner never(0);
  decide_all(never, {"a", "a", "a", "a", "a"});
  CHECK_FALSE(never.knows_cycle());
}

TEST_CASE("messages between two ranks and uneven exchanges are no part of a cycle",
          "[plan_learner]") {
  PlanLearner learner(1);
  for (int step = 0; step < 4; ++step) {
    decide_all(learner, {"a"});
    learner.on_decided(decided(entry_of("p2p 0>1 tag 0 #0", CollectiveKind::send)));
    Decision uneven = decided(entry_of("tokens", CollectiveKind::alltoall));
    uneven.splits = {{1, 2}, {2, 1}};
    learner.on_decided(uneven);
  }
  REQUIRE(learner.knows_cycle());
  CHECK(cycle_of(learner) == std::vector<std::string>{"a"});
}

TEST_CASE("names that never come back take bounded memory", "[plan_learner]") {
  PlanLearner learner(2);
  for (int i = 0; i < 100'000; ++i) {
    learner.on_decided(decided(entry_of(str("once ", i))));
  }
  CHECK_FALSE(learner.knows_cycle());
}

}  // namespace
}  // namespace hvd
