#include "core/stages/negotiator.h"

#include "tests/catch.h"
#include "tests/core/stages/stage_samples.h"

namespace hvd {
namespace {

using test::grouped_of;
using test::operation_of;
using test::request_of;

struct One {
  Negotiator negotiator{Rank(1)};
  ReusedList<AgreedGroup> agreed;
  std::vector<Outcome> failed;
  AnswerMessage message;
  std::uint64_t sequence = 0;

  OperationPtr add(const std::string& name) {
    OperationPtr operation = operation_of(request_of(name));
    negotiator.add(operation, failed);
    return operation;
  }
  OperationPtr add_group(const std::string& name, std::size_t count) {
    OperationPtr operation = grouped_of(name, count);
    negotiator.add(operation, failed);
    return operation;
  }
  Status answer(std::vector<AnsweredGroup> groups) {
    agreed.clear();
    message = {++sequence, std::move(groups)};
    return negotiator.on_answer(message, agreed, failed);
  }
  ReadyMessage announcements() {
    ReadyMessage ready;
    negotiator.take_announcements(ready);
    return ready;
  }
};

AnsweredGroup good(std::vector<std::string> names) {
  return {StatusCode::ok, "", Rank(), 7, std::move(names), {}};
}
AnsweredGroup bad(StatusCode code, const std::string& name) {
  return {code, "because", Rank(2), 0, {name}, {}};
}

AnsweredGroup members(const std::string& name, std::vector<MemberRun> runs) {
  AnsweredGroup group = good({name});
  group.members = std::move(runs);
  return group;
}

TEST_CASE("submissions are announced once, in order, with the answers that were seen",
          "[negotiator]") {
  One one;
  CHECK_FALSE(one.negotiator.has_announcements());
  one.add("b");
  one.add("a");
  ReadyMessage message = one.announcements();
  CHECK(message.answers_seen == 0);
  REQUIRE(message.entries.size() == 2);
  CHECK(message.entries[0].name == "b");
  CHECK(message.entries[1].name == "a");
  CHECK_FALSE(one.negotiator.has_announcements());
  REQUIRE(one.answer({good({"a"})}).ok());
  one.add("c");
  CHECK(one.announcements().answers_seen == 1);
}

TEST_CASE("an answer sorts operations into groups in the answer's order", "[negotiator]") {
  One one;
  const OperationPtr a = one.add("a");
  const OperationPtr b = one.add("b");
  const OperationPtr c = one.add("c");
  REQUIRE(one.answer({good({"c", "a"}), bad(StatusCode::mismatch, "b")}).ok());
  REQUIRE(one.agreed.size() == 1);
  CHECK(one.agreed[0].operations == std::vector<OperationPtr>{c, a});
  CHECK(one.agreed[0].answer->choice == 7);
  REQUIRE(one.failed.size() == 1);
  CHECK(one.failed[0].operation == b);
  CHECK(one.failed[0].status.code() == StatusCode::mismatch);
  CHECK(one.failed[0].status.message() == "because");
  CHECK(one.failed[0].status.tensor() == "b");
  CHECK(one.failed[0].status.culprit_rank() == 2);
  CHECK(one.negotiator.pending_count() == 0);
}

TEST_CASE("a name that expired before this rank came fails here when it comes, once a time",
          "[negotiator]") {
  One one;
  REQUIRE(one.answer({bad(StatusCode::deadline_exceeded, "x")}).ok());
  REQUIRE(one.answer({bad(StatusCode::deadline_exceeded, "x")}).ok());
  CHECK(one.failed.empty());
  one.add("x");
  one.add("x");
  REQUIRE(one.failed.size() == 2);
  CHECK(one.failed[1].status.code() == StatusCode::deadline_exceeded);
  CHECK_THAT(one.failed[1].status.message(), Catch::Contains("too late"));
  CHECK_FALSE(one.negotiator.has_announcements());
  one.add("x");
  CHECK(one.failed.size() == 2);
  CHECK(one.negotiator.has_announcements());
}

TEST_CASE("another rank's failure that is no deadline owes this rank nothing", "[negotiator]") {
  One one;
  REQUIRE(one.answer({bad(StatusCode::peer_ended, "x")}).ok());
  one.add("x");
  CHECK(one.failed.empty());
  CHECK(one.negotiator.pending_count() == 1);
}

TEST_CASE("an answer that goes back is a broken protocol, one that did not concern us is none",
          "[negotiator]") {
  One one;
  one.sequence = 1;
  CHECK(one.answer({}).ok());
  one.sequence = 1;
  CHECK(one.answer({}).code() == StatusCode::internal);
}

TEST_CASE("a broken answer loses no operation", "[negotiator]") {
  One one;
  const OperationPtr a = one.add("a");
  const OperationPtr b = one.add("b");
  const OperationPtr c = one.add("c");
  const Status status = one.answer({good({"a"}), good({"b", "unknown"})});
  CHECK(status.code() == StatusCode::internal);
  CHECK_THAT(status.message(), Catch::Contains("'unknown'"));
  REQUIRE(one.agreed.size() == 2);
  CHECK(one.agreed[0].operations == std::vector<OperationPtr>{a});
  CHECK(one.agreed[1].operations == std::vector<OperationPtr>{b});
  CHECK(one.negotiator.take_all() == std::vector<OperationPtr>{c});
}

TEST_CASE("everything that is not answered can be taken back", "[negotiator]") {
  One one;
  one.add("a");
  one.add("b");
  CHECK(one.negotiator.take_all().size() == 2);
  CHECK(one.negotiator.pending_count() == 0);
  CHECK_FALSE(one.negotiator.has_announcements());
}

TEST_CASE("a group is announced as one entry and may be answered in several items",
          "[negotiator]") {
  One one;
  const OperationPtr group = one.add_group("g", 3);
  const ReadyMessage message = one.announcements();
  REQUIRE(message.entries.size() == 1);
  CHECK(message.entries[0].name == "g");
  CHECK(message.entries[0].members.size() == 3);
  REQUIRE(one.answer({members("g", {{0, 1}, {2, 1}})}).ok());
  REQUIRE(one.agreed.size() == 1);
  REQUIRE(one.agreed[0].operations.size() == 2);
  CHECK(one.agreed[0].operations[1].get() == &group->members[2]);
  CHECK(one.negotiator.pending_count() == 1);
  REQUIRE(one.answer({members("g", {{1, 1}})}).ok());
  CHECK(one.negotiator.pending_count() == 0);
}

TEST_CASE("what of a group is not answered yet can be taken back or fail", "[negotiator]") {
  for (const bool fails : {false, true}) {
    One one;
    const OperationPtr group = one.add_group("g", 3);
    REQUIRE(one.answer({members("g", {{1, 1}})}).ok());
    std::vector<OperationPtr> rest;
    if (fails) {
      REQUIRE(one.answer({bad(StatusCode::peer_ended, "g")}).ok());
      for (const Outcome& outcome : one.failed) {
        rest.push_back(outcome.operation);
      }
    } else {
      rest = one.negotiator.take_all();
    }
    REQUIRE(rest.size() == 2);
    CHECK(rest[0].get() == &group->members[0]);
    CHECK(rest[1].get() == &group->members[2]);
  }
  One one;
  const OperationPtr whole = one.add_group("g", 3);
  REQUIRE(one.answer({bad(StatusCode::mismatch, "g")}).ok());
  REQUIRE(one.failed.size() == 1);
  CHECK(one.failed[0].operation == whole);
}

TEST_CASE("an answer that does not fit the group is a broken protocol", "[negotiator]") {
  const auto broken = [](const AnsweredGroup& group) {
    One one;
    one.add_group("g", 3);
    one.add("x");
    return one.answer({group}).code() == StatusCode::internal;
  };
  CHECK(broken(good({"g"})));
  CHECK(broken(members("x", {{0, 1}})));
  CHECK(broken(members("g", {{0, 2}, {1, 1}})));
  CHECK(broken(members("g", {{0, 4}})));
  CHECK(broken(members("g", {{2, UINT32_MAX}})));
  CHECK_FALSE(broken(members("g", {{0, 3}})));
}

}  // namespace
}  // namespace hvd
