#include "core/stages/negotiator.h"

#include "tests/catch.h"
#include "tests/core/stages/stage_samples.h"

namespace hvd {
namespace {

using test::operation_of;
using test::request_of;

struct One {
  Negotiator negotiator{Rank(1)};
  std::vector<AgreedGroup> agreed;
  std::vector<Outcome> failed;
  std::uint64_t sequence = 0;

  OperationPtr add(const std::string& name) {
    OperationPtr operation = operation_of(request_of(name));
    negotiator.add(operation, failed);
    return operation;
  }
  Status answer(std::vector<AnsweredGroup> groups) {
    return negotiator.on_answer({++sequence, std::move(groups)}, agreed, failed);
  }
};

AnsweredGroup good(std::vector<std::string> names) {
  return {StatusCode::ok, "", Rank(), 7, std::move(names), {}};
}
AnsweredGroup bad(StatusCode code, const std::string& name) {
  return {code, "because", Rank(2), 0, {name}, {}};
}

TEST_CASE("submissions are announced once, in order, with the answers that were seen",
          "[negotiator]") {
  One one;
  CHECK_FALSE(one.negotiator.has_announcements());
  one.add("b");
  one.add("a");
  ReadyMessage message = one.negotiator.take_announcements();
  CHECK(message.answers_seen == 0);
  REQUIRE(message.entries.size() == 2);
  CHECK(message.entries[0].name == "b");
  CHECK(message.entries[1].name == "a");
  CHECK_FALSE(one.negotiator.has_announcements());
  REQUIRE(one.answer({good({"a"})}).ok());
  one.add("c");
  CHECK(one.negotiator.take_announcements().answers_seen == 1);
}

TEST_CASE("an answer sorts operations into groups in the answer's order", "[negotiator]") {
  One one;
  const OperationPtr a = one.add("a");
  const OperationPtr b = one.add("b");
  const OperationPtr c = one.add("c");
  REQUIRE(one.answer({good({"c", "a"}), bad(StatusCode::mismatch, "b")}).ok());
  REQUIRE(one.agreed.size() == 1);
  CHECK(one.agreed[0].operations == std::vector<OperationPtr>{c, a});
  CHECK(one.agreed[0].answer.choice == 7);
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

}  // namespace
}  // namespace hvd
