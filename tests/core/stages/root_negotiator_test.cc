#include "core/stages/root_negotiator.h"

#include <algorithm>
#include <limits>

#include "core/base/random.h"
#include "tests/catch.h"
#include "tests/core/stages/stage_samples.h"

namespace hvd {
namespace {

using test::entry_of;
using test::job_of;
using test::ready;
using test::shape_of;

constexpr Time kStart = 1000 * kSecond;

ReadyEntry with_deadline(ReadyEntry entry, Nanos deadline) {
  entry.deadline = deadline;
  return entry;
}

struct Root {
  explicit Root(int rank_count, Nanos stall_warning = 10 * kSecond)
      : ranks(job_of(rank_count)), negotiator(ranks, {.stall_warning = stall_warning}) {}
  void submit(int rank, const ReadyEntry& entry, std::uint64_t answers_seen = 0) {
    negotiator.on_ready(Rank(rank), ready({entry}, answers_seen), now);
  }
  std::vector<Decision> decide(std::size_t bytes_most = SIZE_MAX) {
    ReusedList<Decision> taken;
    negotiator.take_decisions(++sequence, bytes_most, taken);
    return {taken.begin(), taken.end()};
  }

  JobRanks ranks;
  RootNegotiator negotiator;
  Time now = kStart;
  std::uint64_t sequence = 0;
};

TEST_CASE("a name is decided when its last rank comes, whatever the order", "[root_negotiator]") {
  std::vector<int> order = {0, 1, 2, 3};
  do {
    Root root(4);
    for (std::size_t i = 0; i < order.size(); ++i) {
      CHECK(root.decide().empty());
      root.submit(order[i], entry_of("x"));
    }
    const std::vector<Decision> decisions = root.decide();
    REQUIRE(decisions.size() == 1);
    CHECK(decisions[0].status.ok());
    CHECK(decisions[0].entry.name == "x");
    CHECK(root.negotiator.pending_count() == 0);
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("names are decided in the order in which they become complete", "[root_negotiator]") {
  Root root(2);
  root.negotiator.on_ready(Rank(0), ready({entry_of("a"), entry_of("b"), entry_of("c")}), kStart);
  root.negotiator.on_ready(Rank(1), ready({entry_of("c"), entry_of("a")}), kStart);
  const std::vector<Decision> decisions = root.decide();
  REQUIRE(decisions.size() == 2);
  CHECK(decisions[0].entry.name == "c");
  CHECK(decisions[1].entry.name == "a");
  CHECK(root.negotiator.pending_count() == 1);
}

TEST_CASE("ranks that disagree get a mismatch that names both sides, and the name is free again",
          "[root_negotiator]") {
  Root root(3);
  root.submit(0, entry_of("x"));
  root.submit(1, entry_of("x", CollectiveKind::allreduce, shape_of({2, 4})));
  CHECK(root.decide().empty());  // a mismatch is decided when all have said what they want
  root.submit(2, entry_of("x"));
  const std::vector<Decision> decisions = root.decide();
  REQUIRE(decisions.size() == 1);
  CHECK(decisions[0].status.code() == StatusCode::mismatch);
  CHECK_THAT(decisions[0].status.message(), Catch::Contains("[2 3] on ranks 0 2"));
  CHECK_THAT(decisions[0].status.message(), Catch::Contains("[2 4] on rank 1"));
  for (int r = 0; r < 3; ++r) {
    root.submit(r, entry_of("x"), 1);
  }
  REQUIRE(root.decide().size() == 1);
}

TEST_CASE("an allgather's answer has the rows of every rank", "[root_negotiator]") {
  Root root(3);
  root.submit(2, entry_of("g", CollectiveKind::allgather, shape_of({7, 3})));
  root.submit(0, entry_of("g", CollectiveKind::allgather, shape_of({0, 3})));
  root.submit(1, entry_of("g", CollectiveKind::allgather, shape_of({2, 3})));
  const std::vector<Decision> decisions = root.decide();
  REQUIRE(decisions.size() == 1);
  CHECK(decisions[0].rows == std::vector<std::int64_t>{0, 2, 7});
}

ReadyEntry entry_with(CollectiveKind kind, std::int64_t rows,
                      std::vector<std::int64_t> splits = {}) {
  ReadyEntry entry = entry_of("x", kind, shape_of({rows, 2}));
  entry.splits = std::move(splits);
  return entry;
}

ReadyEntry message_entry(CollectiveKind kind, Rank peer) {
  ReadyEntry entry = entry_of("p2p 2>1 tag 0 #0", kind);
  entry.peer = peer;
  return entry;
}

TEST_CASE("a reduce-scatter's rows are its splits, or even ones", "[root_negotiator]") {
  Root root(3);
  for (int r = 0; r < 3; ++r) {
    root.submit(r, entry_with(CollectiveKind::reduce_scatter, 7));
  }
  CHECK(root.decide().at(0).rows == std::vector<std::int64_t>{3, 2, 2});
  for (int r = 0; r < 3; ++r) {
    root.submit(r, entry_with(CollectiveKind::reduce_scatter, 7, {0, 6, 1}));
  }
  CHECK(root.decide().at(0).rows == std::vector<std::int64_t>{0, 6, 1});
}

TEST_CASE("an even alltoall has the same rows for all, one with splits a table",
          "[root_negotiator]") {
  Root root(2);
  root.submit(0, entry_with(CollectiveKind::alltoall, 4));
  root.submit(1, entry_with(CollectiveKind::alltoall, 6));
  const std::vector<Decision> even = root.decide();
  CHECK(even.at(0).rows == std::vector<std::int64_t>{2, 3});
  CHECK(even.at(0).splits.empty());
  root.submit(1, entry_with(CollectiveKind::alltoall, 6));
  root.submit(0, entry_with(CollectiveKind::alltoall, 4, {1, 2}));
  const std::vector<Decision> uneven = root.decide();
  CHECK(uneven.at(0).splits == std::vector<std::vector<std::int64_t>>{{1, 2}, {3, 3}});
}

TEST_CASE("a scatter is as its root says, whoever comes first", "[root_negotiator]") {
  ReadyEntry other = entry_of("x", CollectiveKind::scatter, Shape());
  other.root = Rank(1);
  ReadyEntry ours = entry_with(CollectiveKind::scatter, 4, {1, 3});
  ours.root = Rank(1);
  ours.dtype = DType::int16;
  for (const int first : {0, 1}) {
    Root root(2);
    root.submit(first, first == 1 ? ours : other);
    root.submit(1 - first, first == 1 ? other : ours);
    const std::vector<Decision> decisions = root.decide();
    REQUIRE(decisions.size() == 1);
    CHECK(decisions[0].status.ok());
    CHECK(decisions[0].rows == std::vector<std::int64_t>{1, 3});
    CHECK(decisions[0].entry.dtype == DType::int16);
    CHECK(decisions[0].entry.shape == shape_of({4, 2}));
  }
}

TEST_CASE("two ranks that both say they scatter are told so", "[root_negotiator]") {
  Root root(2);
  for (int r = 0; r < 2; ++r) {
    ReadyEntry entry = entry_with(CollectiveKind::scatter, 4);
    entry.root = Rank(r);
    root.submit(r, entry);
  }
  const std::vector<Decision> decisions = root.decide();
  REQUIRE(decisions.size() == 1);
  CHECK_THAT(decisions[0].status.message(), Catch::Contains("0 on rank 0, 1 on rank 1"));
}

TEST_CASE("a root that scatters a tensor without rows breaks no one", "[root_negotiator]") {
  Root root(2);
  root.submit(0, entry_of("x", CollectiveKind::scatter, Shape()));
  root.submit(1, entry_of("x", CollectiveKind::scatter, Shape()));
  CHECK(root.decide().at(0).status.code() == StatusCode::internal);
}

TEST_CASE("a message needs its two ranks and no other", "[root_negotiator]") {
  Root root(4);
  root.negotiator.on_goodbye(Rank(3));
  root.submit(1, message_entry(CollectiveKind::recv, Rank(2)));
  CHECK(root.decide().empty());
  root.submit(2, message_entry(CollectiveKind::send, Rank(1)));
  const std::vector<Decision> decisions = root.decide();
  REQUIRE(decisions.size() == 1);
  CHECK(decisions[0].status.ok());
  CHECK(decisions[0].members == std::vector<Rank>{Rank(1), Rank(2)});
}

TEST_CASE("a message that nobody sends is warned about, gives up, and names its sender only",
          "[root_negotiator]") {
  Root root(4);
  root.submit(1, with_deadline(message_entry(CollectiveKind::recv, Rank(2)), 20 * kSecond));
  root.now += 11 * kSecond;
  const std::vector<std::string> warnings = root.negotiator.on_timer(root.now);
  REQUIRE(warnings.size() == 1);
  CHECK_THAT(warnings[0], Catch::Contains("recv 'p2p 2>1 tag 0 #0' has waited"));
  CHECK_THAT(warnings[0], Catch::Contains("rank 2 (host") && !Catch::Contains("rank 3"));
  root.now += 11 * kSecond;
  (void)root.negotiator.on_timer(root.now);
  const std::vector<Decision> decisions = root.decide();
  REQUIRE(decisions.size() == 1);
  CHECK(decisions[0].status.code() == StatusCode::deadline_exceeded);
  CHECK(decisions[0].status.culprit_rank() == 2);
  CHECK(decisions[0].members.size() == 2);
}

TEST_CASE("a message fails if its other rank ended", "[root_negotiator]") {
  Root root(3);
  root.submit(1, message_entry(CollectiveKind::recv, Rank(2)));
  root.negotiator.on_goodbye(Rank(2));
  CHECK(root.decide().at(0).status.code() == StatusCode::peer_ended);
  root.submit(1, message_entry(CollectiveKind::recv, Rank(2)));
  CHECK(root.decide().at(0).status.code() == StatusCode::peer_ended);
}

TEST_CASE("a rank that announces a message of two others fails that message alone",
          "[root_negotiator]") {
  Root root(4);
  root.submit(1, message_entry(CollectiveKind::recv, Rank(2)));
  root.submit(3, message_entry(CollectiveKind::send, Rank(1)));
  const std::vector<Decision> decisions = root.decide();
  REQUIRE(decisions.size() == 1);
  CHECK(decisions[0].status.code() == StatusCode::internal);
  CHECK_THAT(decisions[0].status.message(), Catch::Contains("rank 3"));
}

TEST_CASE("an allgather whose result nobody can count is refused", "[root_negotiator]") {
  Root root(2);
  const std::int64_t half = (std::int64_t{1} << 55) + 1;
  root.submit(0, entry_of("g", CollectiveKind::allgather, shape_of({half})));
  root.submit(1, entry_of("g", CollectiveKind::allgather, shape_of({half})));
  const std::vector<Decision> decisions = root.decide();
  REQUIRE(decisions.size() == 1);
  CHECK(decisions[0].status.code() == StatusCode::invalid_argument);
}

TEST_CASE("what has waited in a plan is as old here as it was there", "[root_negotiator]") {
  Root root(2);
  ReadyEntry entry = with_deadline(entry_of("x"), 8 * kSecond);
  entry.age = 5 * kSecond;
  root.submit(1, entry);
  CHECK(root.negotiator.next_timer() == root.now + 3 * kSecond);
  (void)root.negotiator.on_timer(root.now + 3 * kSecond);
  const std::vector<Decision> decisions = root.decide();
  REQUIRE(decisions.size() == 1);
  CHECK_THAT(decisions[0].status.message(), Catch::Contains("gave up after 8.0 s"));
  ReadyEntry old = entry_of("y");
  old.age = 11 * kSecond;
  root.submit(1, old);
  const std::vector<std::string> warnings = root.negotiator.on_timer(root.now);
  REQUIRE(warnings.size() == 1);
  CHECK_THAT(warnings[0], Catch::Contains("has waited for 11.0 s"));
}

TEST_CASE("a stall warning names tensor, rank, host, pid, last submit, since when and the setting",
          "[root_negotiator]") {
  Root root(3);
  for (int r = 0; r < 3; ++r) {
    root.submit(r, entry_of("grad/fc"));
  }
  REQUIRE(root.decide().size() == 1);
  root.now += kSecond;
  root.submit(0, entry_of("x"), 1);
  root.submit(1, entry_of("x"), 1);
  CHECK(root.negotiator.next_timer() <= root.now + 10 * kSecond);
  CHECK(root.negotiator.on_timer(root.now + 10 * kSecond - 1).empty());
  const std::vector<std::string> warnings = root.negotiator.on_timer(root.now + 10 * kSecond);
  REQUIRE(warnings.size() == 1);
  for (const char* part :
       {"allreduce 'x'", "10.0 s", "rank 2 (host host-c, pid 102)", "'grad/fc' 11.0 s ago",
        "waiting: ranks 0 1", "HVD_STALL_WARNING_SECONDS 10"}) {
    CHECK_THAT(warnings[0], Catch::Contains(part));
  }
}

TEST_CASE("a rank that never submitted anything is said to have not", "[root_negotiator]") {
  Root root(2);
  root.submit(0, entry_of("x"));
  const std::vector<std::string> warnings = root.negotiator.on_timer(root.now + 10 * kSecond);
  REQUIRE(warnings.size() == 1);
  CHECK_THAT(warnings[0], Catch::Contains("has not submitted anything yet"));
}

TEST_CASE("warnings come after doubling pauses, each exactly at its timer", "[root_negotiator]") {
  Root root(2);
  root.submit(0, entry_of("x"));
  std::vector<Nanos> at;
  for (int i = 0; i < 4; ++i) {
    const Time timer = root.negotiator.next_timer();
    REQUIRE(timer != kNever);
    CHECK(root.negotiator.on_timer(timer - 1).empty());
    REQUIRE(root.negotiator.on_timer(timer).size() == 1);
    at.push_back((timer - kStart) / kSecond);
  }
  CHECK(at == std::vector<Nanos>{10, 30, 70, 150});
}

TEST_CASE("with a pause of 0 nobody warns and no timer runs", "[root_negotiator]") {
  Root root(2, 0);
  root.submit(0, entry_of("x"));
  CHECK(root.negotiator.next_timer() == kNever);
  CHECK(root.negotiator.on_timer(kStart + 1000 * kSecond).empty());
}

TEST_CASE("the earliest deadline of those who came decides, and names who is missing",
          "[root_negotiator]") {
  Root root(3);
  root.submit(0, with_deadline(entry_of("x"), 9 * kSecond));
  root.submit(1, with_deadline(entry_of("x"), 2 * kSecond));
  CHECK(root.negotiator.next_timer() == kStart + 2 * kSecond);
  CHECK(root.negotiator.on_timer(kStart + 2 * kSecond - 1).empty());
  CHECK(root.decide().empty());
  root.negotiator.on_timer(kStart + 2 * kSecond);
  const std::vector<Decision> decisions = root.decide();
  REQUIRE(decisions.size() == 1);
  const Status& status = decisions[0].status;
  CHECK(status.code() == StatusCode::deadline_exceeded);
  CHECK(status.culprit_rank() == 2);
  CHECK(status.tensor() == "x");
  for (const char* part : {"allreduce 'x'", "gave up after 2.0 s", "rank 2 (host host-c, pid 102)",
                           "waiting: ranks 0 1", "HVD_DEADLINE_SECONDS"}) {
    CHECK_THAT(status.message(), Catch::Contains(part));
  }
  CHECK(root.negotiator.pending_count() == 0);
  CHECK(root.negotiator.next_timer() == kNever);
}

TEST_CASE("no deadline is too far away to be added up", "[root_negotiator]") {
  Root root(2);
  root.submit(0, with_deadline(entry_of("x"), std::numeric_limits<Nanos>::max()));
  root.negotiator.on_timer(kStart + 100'000 * kSecond);
  CHECK(root.decide().empty());
  root.submit(1, entry_of("x"));
  CHECK(root.decide().size() == 1);
}

// Root, after 'x' failed by deadline on ranks 0 and 1 while rank 2 was missing (answer 1).
Root root_that_gave_up() {
  Root root(3);
  root.submit(0, with_deadline(entry_of("x"), kSecond));
  root.submit(1, with_deadline(entry_of("x"), kSecond));
  root.now += kSecond;
  root.negotiator.on_timer(root.now);
  REQUIRE(root.decide().size() == 1);
  return root;
}

TEST_CASE("a submission that crossed the answer about it belongs to that failure",
          "[root_negotiator]") {
  Root root = root_that_gave_up();
  root.submit(2, entry_of("x"), 0);  // sent before it saw answer 1: it fails there by answer 1
  CHECK(root.negotiator.pending_count() == 0);
  for (int r = 0; r < 3; ++r) {
    root.submit(r, entry_of("x"), 1);  // everyone's next use
  }
  const std::vector<Decision> decisions = root.decide();
  REQUIRE(decisions.size() == 1);
  CHECK(decisions[0].status.ok());
}

TEST_CASE("a submission of a rank that has seen the answer is its next use", "[root_negotiator]") {
  Root root = root_that_gave_up();
  root.submit(2, entry_of("x"), 1);  // its use that is owed has failed on that rank already
  CHECK(root.negotiator.pending_count() == 1);
  root.submit(0, entry_of("x"), 1);
  root.submit(1, entry_of("x"), 1);
  CHECK(root.decide().size() == 1);
}

TEST_CASE("a name that fails twice before a rank comes swallows both of its crossing uses",
          "[root_negotiator]") {
  Root root = root_that_gave_up();
  root.submit(0, with_deadline(entry_of("x"), kSecond), 1);
  root.now += kSecond;
  root.negotiator.on_timer(root.now);
  REQUIRE(root.decide().size() == 1);
  root.submit(2, entry_of("x"), 0);
  root.submit(2, entry_of("x"), 1);
  CHECK(root.negotiator.pending_count() == 0);
  root.submit(2, entry_of("x"), 2);
  CHECK(root.negotiator.pending_count() == 1);
}

TEST_CASE("a submission between the timer and its answer still crosses it", "[root_negotiator]") {
  Root root(2);
  root.submit(0, with_deadline(entry_of("x"), kSecond));
  root.negotiator.on_timer(kStart + kSecond);
  root.submit(1, entry_of("x"), 0);
  CHECK(root.decide().size() == 1);
  CHECK(root.negotiator.pending_count() == 0);
}

TEST_CASE("what needs a rank that ended fails, now and later, and names it", "[root_negotiator]") {
  Root root(3);
  root.submit(2, entry_of("last"));
  root.submit(0, entry_of("last"));
  root.submit(1, entry_of("last"));
  REQUIRE(root.decide().size() == 1);
  root.submit(0, entry_of("x"), 1);
  root.negotiator.on_goodbye(Rank(2));
  std::vector<Decision> decisions = root.decide();
  REQUIRE(decisions.size() == 1);
  CHECK(decisions[0].entry.name == "x");
  CHECK(decisions[0].status.code() == StatusCode::peer_ended);
  CHECK(decisions[0].status.culprit_rank() == 2);
  CHECK_THAT(decisions[0].status.message(), Catch::Contains("rank 2 (host host-c, pid 102)"));
  CHECK_THAT(decisions[0].status.message(), Catch::Contains("'last'"));
  root.submit(1, entry_of("y"), 2);
  decisions = root.decide();
  REQUIRE(decisions.size() == 1);
  CHECK(decisions[0].status.code() == StatusCode::peer_ended);
}

TEST_CASE("what was complete before a goodbye is run", "[root_negotiator]") {
  Root root(2);
  root.submit(0, entry_of("x"));
  root.submit(1, entry_of("x"));
  root.negotiator.on_goodbye(Rank(1));
  const std::vector<Decision> decisions = root.decide();
  REQUIRE(decisions.size() == 1);
  CHECK(decisions[0].status.ok());
}

TEST_CASE("a rank that submitted a name before it ended is not said to have missed it",
          "[root_negotiator]") {
  Root root(3);
  root.submit(2, entry_of("x"));
  root.negotiator.on_goodbye(Rank(2));
  const std::vector<Decision> decisions = root.decide();
  REQUIRE(decisions.size() == 1);
  CHECK_THAT(decisions[0].status.message(), Catch::Contains("before all ranks had submitted it"));
}

TEST_CASE("a name announced twice by one rank is that name's error", "[root_negotiator]") {
  Root root(2);
  root.submit(1, entry_of("x"));
  root.submit(1, entry_of("x"));
  const std::vector<Decision> decisions = root.decide();
  REQUIRE(decisions.size() == 1);
  CHECK(decisions[0].status.code() == StatusCode::internal);
  CHECK_THAT(decisions[0].status.message(), Catch::Contains("rank 1"));
}

TEST_CASE("of many missing ranks four are named and the rest counted", "[root_negotiator]") {
  Root root(1000);
  root.submit(0, entry_of("x"));
  const std::vector<std::string> warnings = root.negotiator.on_timer(kStart + 10 * kSecond);
  REQUIRE(warnings.size() == 1);
  CHECK_THAT(warnings[0], Catch::Contains("rank 4 (") && Catch::Contains("995 more ranks"));
  CHECK(warnings[0].size() < 1000);
}

ReadyEntry grouped_entry(CollectiveKind kind, const std::vector<std::int64_t>& rows) {
  ReadyEntry entry = entry_of("g", kind, Shape());
  for (const std::int64_t count : rows) {
    entry.members.push_back({DType::float32, true, shape_of({count, 2})});
  }
  return entry;
}

TEST_CASE("a group is decided tensor by tensor, with the rows of each", "[root_negotiator]") {
  Root root(2);
  root.submit(1, grouped_entry(CollectiveKind::allgather, {1, 2}));
  CHECK(root.decide().empty());
  root.submit(0, grouped_entry(CollectiveKind::allgather, {3, 0}));
  const std::vector<Decision> decisions = root.decide();
  REQUIRE(decisions.size() == 2);
  CHECK(decisions[0].tensor == 0);
  CHECK(decisions[0].rows == std::vector<std::int64_t>{3, 1});
  CHECK(decisions[1].tensor == 1);
  CHECK(decisions[1].rows == std::vector<std::int64_t>{0, 2});
  CHECK(decisions[1].entry.name == "g");
  CHECK(root.negotiator.pending_count() == 0);
}

TEST_CASE("a group of another number of tensors, or none, is one mismatch", "[root_negotiator]") {
  for (const ReadyEntry& other : {grouped_entry(CollectiveKind::allgather, {1}),
                                  grouped_entry(CollectiveKind::reduce_scatter, {1, 2, 3}),
                                  entry_of("g", CollectiveKind::allgather)}) {
    for (const bool other_first : {false, true}) {
      Root root(2);
      const ReadyEntry usual = grouped_entry(CollectiveKind::allgather, {1, 2});
      root.submit(0, other_first ? other : usual);
      root.submit(1, other_first ? usual : other);
      const std::vector<Decision> decisions = root.decide();
      REQUIRE(decisions.size() == 1);
      CHECK(decisions[0].status.code() == StatusCode::mismatch);
      CHECK_FALSE(decisions[0].tensor);
    }
  }
}

TEST_CASE("a tensor of a group is reduced where it lies if all ranks have it there",
          "[root_negotiator]") {
  Root root(2);
  ReadyEntry other = grouped_entry(CollectiveKind::allreduce, {1, 2});
  other.members[1].within_reach = false;
  root.submit(0, grouped_entry(CollectiveKind::allreduce, {1, 2}));
  root.submit(1, other);
  const std::vector<Decision> decisions = root.decide();
  REQUIRE(decisions.size() == 2);
  CHECK(decisions[0].entry.within_reach);
  CHECK_FALSE(decisions[1].entry.within_reach);
}

TEST_CASE("a group that waits is warned of and given up as one operation", "[root_negotiator]") {
  Root root(2);
  root.submit(0, with_deadline(grouped_entry(CollectiveKind::allreduce, {1, 2}), 20 * kSecond));
  root.now += 10 * kSecond;
  const std::vector<std::string> warnings = root.negotiator.on_timer(root.now);
  REQUIRE(warnings.size() == 1);
  CHECK_THAT(warnings[0], Catch::Contains("allreduce 'g' of 2 tensors has waited for 10.0 s"));
  CHECK_THAT(warnings[0], Catch::Contains("rank 1 (host host-b, pid 101) did not submit it"));
  root.now += 10 * kSecond;
  CHECK(root.negotiator.on_timer(root.now).empty());
  const std::vector<Decision> decisions = root.decide();
  REQUIRE(decisions.size() == 1);
  CHECK(decisions[0].status.code() == StatusCode::deadline_exceeded);
  CHECK(decisions[0].status.tensor() == "g");
  CHECK(decisions[0].status.culprit_rank() == 1);
}

TEST_CASE("a group whose tensors are too many elements together is an error", "[root_negotiator]") {
  Root root(2);
  for (int r = 0; r < 2; ++r) {
    root.submit(r, grouped_entry(CollectiveKind::allreduce, {1LL << 54, 1LL << 54}));
  }
  CHECK(root.decide().at(0).status.ok());
  for (int r = 0; r < 2; ++r) {
    root.submit(r, grouped_entry(CollectiveKind::allreduce, {1LL << 54, 1LL << 54, 1}));
  }
  CHECK(root.decide().at(0).status.code() == StatusCode::invalid_argument);
}

}  // namespace
}  // namespace hvd
