#include "core/stages/plan_lane.h"

#include "tests/catch.h"
#include "tests/core/stages/plan_samples.h"

namespace hvd {
namespace {

using test::entry_of;
using test::operation_of;
using test::plan_group;
using test::request_of;
using test::shape_of;

OperationPtr operation(const std::string& name) { return operation_of(request_of(name)); }

OperationPtr unnamed(std::uint64_t number) {
  Request request = request_of(str("allreduce.noname.", number - 1));
  request.unnamed = number;
  return operation_of(request);
}

struct Lane {
  explicit Lane(std::vector<PlanGroup> groups) { REQUIRE(lane.begin({1, std::move(groups)}).ok()); }
  // Names of what starts when so many positions are open.
  std::vector<std::string> start(std::uint64_t open) {
    std::vector<std::string> names;
    while (lane.start_next(open, group)) {
      for (const OperationPtr& operation : group.operations) {
        names.push_back(operation->request.name);
      }
    }
    return names;
  }

  PlanLane lane{Rank(0)};
  AgreedGroup group;
};

using Names = std::vector<std::string>;

TEST_CASE("a position is committed to when all of it is there, and starts when it is open",
          "[plan_lane]") {
  Lane job({plan_group({"a", "b"}), plan_group({"c"})});
  CHECK(job.lane.add(operation("c")));
  CHECK_FALSE(job.lane.commit());  // not its turn
  CHECK(job.lane.add(operation("b")));
  CHECK_FALSE(job.lane.commit());
  CHECK(job.lane.add(operation("a")));
  CHECK(job.lane.commit());
  CHECK(job.lane.committed() == 2);
  CHECK(job.start(0).empty());
  CHECK(job.start(1) == Names{"a", "b"});
  CHECK(job.group.stream == WorkStream::planned);
  CHECK(job.group.item == 0);
  CHECK(job.start(9) == Names{"c"});
  CHECK(job.group.item == 1);
  CHECK(job.lane.pending_count() == 0);
}

TEST_CASE("names that are not the plan's are left to others", "[plan_lane]") {
  Lane job({plan_group({"a"})});
  CHECK_FALSE(job.lane.add(operation("metric")));
  CHECK_FALSE(job.lane.knows(request_of("metric")));
  CHECK(job.lane.knows(request_of("a")));
  PlanLane idle{Rank(0)};
  CHECK_FALSE(idle.add(operation("a")));
}

TEST_CASE("cycles follow each other, and item numbers go on through plans", "[plan_lane]") {
  Lane job({plan_group({"a"}), plan_group({"b"})});
  for (std::uint64_t cycle = 0; cycle < 3; ++cycle) {
    (void)job.lane.add(operation("a"));
    (void)job.lane.add(operation("b"));
    CHECK(job.lane.commit());
    CHECK(job.start(2 * cycle + 2) == Names{"a", "b"});
    CHECK(job.group.item == 2 * cycle + 1);
  }
  CHECK(job.lane.end().empty());
  CHECK_FALSE(job.lane.active());
  REQUIRE(job.lane.begin({2, {plan_group({"z"})}}).ok());
  (void)job.lane.add(operation("z"));
  (void)job.lane.commit();
  CHECK(job.start(1) == Names{"z"});
  CHECK(job.group.item == 6);
}

TEST_CASE("the uses of a name within a cycle have their own places", "[plan_lane]") {
  Lane job({plan_group({"loss"}), plan_group({"a"}), plan_group({"loss"}, 1)});
  (void)job.lane.add(operation("loss"));
  (void)job.lane.commit();
  CHECK(job.start(1) == Names{"loss"});
  (void)job.lane.add(operation("loss"));
  CHECK_FALSE(job.lane.commit());
  (void)job.lane.add(operation("a"));
  CHECK(job.lane.commit());
  CHECK(job.start(3) == Names{"a", "loss"});
}

TEST_CASE("unnamed operations find their places by their numbers, also ahead of time",
          "[plan_lane]") {
  PlanGroup group = plan_group({"allreduce.noname"});
  group.tensors.front().entry.unnamed = 5;
  Lane job({plan_group({"a"}), group});
  CHECK_FALSE(job.lane.add(unnamed(4)));  // was announced
  CHECK(job.lane.add(unnamed(6)));        // of the second cycle
  CHECK(job.lane.add(unnamed(7)));
  CHECK(job.lane.add(unnamed(5)));
  (void)job.lane.add(operation("a"));
  CHECK(job.lane.commit());
  CHECK(job.lane.committed() == 2);
  CHECK(job.start(2) == Names{"a", "allreduce.noname.4"});
  (void)job.lane.add(operation("a"));
  CHECK(job.lane.commit());
  CHECK(job.start(4) == Names{"a", "allreduce.noname.5"});
  CHECK(job.lane.end().size() == 1);
}

TEST_CASE("what is not as the plan has it is held, and makes the lane deviate", "[plan_lane]") {
  PlanGroup rows = plan_group({"rows"});
  rows.tensors.front().entry.kind = CollectiveKind::allgather;
  rows.answer.rows = {2, 7};
  PlanGroup near = plan_group({"near"});
  near.tensors.front().entry.within_reach = true;
  const std::vector<PlanGroup> groups = {plan_group({"a"}), rows, near};
  const auto deviates = [&](const Request& request) {
    Lane job(groups);
    CHECK(job.lane.add(operation_of(request)));
    const bool it_does = job.lane.deviates();
    CHECK(job.lane.end().size() == 1);
    return it_does;
  };
  CHECK_FALSE(deviates(request_of("a")));
  CHECK(deviates(request_of("a", CollectiveKind::allreduce, shape_of({2, 4}))));
  CHECK(deviates(request_of("a", CollectiveKind::broadcast)));
  CHECK_FALSE(deviates(request_of("rows", CollectiveKind::allgather, shape_of({2, 3}))));
  CHECK(deviates(request_of("rows", CollectiveKind::allgather, shape_of({3, 3}))));
  CHECK(deviates(request_of("near")));  // the plan has it read where it lies
  Request reached = request_of("near");
  reached.within_reach = true;
  CHECK_FALSE(deviates(reached));
}

TEST_CASE("a grouped operation starts as a whole, in the groups that the plan makes of it",
          "[plan_lane]") {
  const OperationPtr whole = test::grouped_of("group", 3);
  ReadyEntry entry;
  describe(*whole, Rank(0), entry);
  std::vector<PlanGroup> groups(2);
  for (std::uint32_t g = 0; g < 2; ++g) {
    groups[g].answer.names = {"group"};
    groups[g].answer.rows = {2, 2};
    groups[g].answer.members = {g == 0 ? MemberRun{0, 2} : MemberRun{2, 1}};
    groups[g].tensors.push_back({entry, 0});
  }
  Lane job(groups);
  CHECK(job.lane.add(whole));
  CHECK(job.lane.pending_count() == 1);
  CHECK(job.lane.commit());
  CHECK(job.lane.committed() == 2);  // never one without the other
  CHECK(job.start(1).size() == 2);
  CHECK(job.lane.pending_count() == 1);
  CHECK(job.start(2).size() == 1);
  CHECK(job.lane.pending_count() == 0);
}

TEST_CASE("after stop nothing more is committed to, and the end gives everything back once",
          "[plan_lane]") {
  Lane job({plan_group({"a", "b"}), plan_group({"c"})});
  for (const char* name : {"a", "b"}) {
    (void)job.lane.add(operation(name));
  }
  (void)job.lane.commit();
  job.lane.stop();
  (void)job.lane.add(operation("c"));
  CHECK_FALSE(job.lane.commit());
  CHECK(job.lane.end().size() == 3);
  CHECK(job.lane.pending_count() == 0);
}

TEST_CASE("a waiter is given a grace, then the plan ends; what it waits for elsewhere is asked for",
          "[plan_lane]") {
  const PlanLane::Patience patience{
      .grace = kMillisecond, .nudge = kSecond, .stall = 100 * kSecond};
  Lane job({plan_group({"a"}), plan_group({"b", "c"})});
  const OperationPtr a = operation("a");
  const OperationPtr b = operation("b");
  (void)job.lane.add(a);
  (void)job.lane.add(b);
  (void)job.lane.commit();
  CHECK(job.lane.look(0, patience).next_look == 100 * kSecond);  // nobody waits
  a->awaited_since = 0;
  PlanLane::Wish wish = job.lane.look(kMillisecond, patience);
  CHECK_FALSE(wish.thaw);  // committed to: the others will come
  CHECK(wish.nudges.empty());
  CHECK(wish.next_look == kSecond);
  wish = job.lane.look(kSecond, patience);
  CHECK(wish.nudges == Names{"a"});
  CHECK(wish.next_look == 2 * kSecond);
  wish = job.lane.look(9 * kSecond, patience);
  CHECK(wish.nudges == Names{"a"});  // one for all that were missed
  CHECK(wish.next_look == 16 * kSecond);
  b->awaited_since = 9 * kSecond;
  CHECK_FALSE(job.lane.look(9 * kSecond, patience).thaw);
  CHECK(job.lane.look(9 * kSecond + kMillisecond, patience).thaw);
  CHECK(job.lane.holds_back("b"));
  CHECK_FALSE(job.lane.holds_back("a"));
  CHECK_FALSE(job.lane.holds_back("c"));
}

TEST_CASE("what waits long is left to the root, soon enough before a deadline", "[plan_lane]") {
  const PlanLane::Patience patience{.stall = 5 * kSecond};
  Lane job({plan_group({"a"}), plan_group({"b"})});
  const OperationPtr a = operation("a");
  (void)job.lane.add(a);
  (void)job.lane.commit();
  CHECK(job.lane.look(0, patience).next_look == 5 * kSecond);
  CHECK_FALSE(job.lane.look(5 * kSecond - 1, patience).thaw);
  CHECK(job.lane.look(5 * kSecond, patience).thaw);
  const OperationPtr b = operation("b");
  b->request.deadline = 4 * kSecond;
  (void)job.lane.add(b);
  CHECK(job.lane.look(kSecond, patience).next_look == 2 * kSecond);
}

TEST_CASE("a broken plan is refused", "[plan_lane]") {
  PlanLane lane{Rank(0)};
  CHECK_FALSE(lane.begin({1, {plan_group({"a"}, 1)}}).ok());  // where is its first use?
  PlanLane other{Rank(0)};
  PlanGroup rows = plan_group({"rows"});
  rows.tensors.front().entry.kind = CollectiveKind::allgather;
  CHECK_FALSE(other.begin({1, {rows}}).ok());
}

}  // namespace
}  // namespace hvd
