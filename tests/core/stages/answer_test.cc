#include "core/stages/answer.h"

#include "tests/catch.h"
#include "tests/core/stages/stage_samples.h"

namespace hvd {
namespace {

using test::entry_of;
using test::shape_of;

Decision decision_of(const ReadyEntry& entry) { return {.status = ok_status(), .entry = entry}; }

Decision message_decision() {
  Decision decision = decision_of(entry_of("p2p 0>2 tag 0 #0", CollectiveKind::send));
  decision.members = {Rank(0), Rank(2)};
  return decision;
}

Decision exchange_decision() {
  Decision decision = decision_of(entry_of("x", CollectiveKind::alltoall, shape_of({6, 2})));
  decision.splits = {{1, 2, 3}, {4, 0, 2}, {0, 0, 1}};
  return decision;
}

TEST_CASE("an answer of common operations is one message for all", "[answer]") {
  std::vector<Decision> decisions = {decision_of(entry_of("a")), decision_of(entry_of("b"))};
  Answer answer(7);
  answer.add(agreed_group(decisions, {0, 1}));
  CHECK(answer.same_for_all());
  const AnswerMessage message = answer.for_rank(Rank(1));
  CHECK(message.sequence == 7);
  REQUIRE(message.groups.size() == 1);
  CHECK(message.groups[0].names == std::vector<std::string>{"a", "b"});
}

TEST_CASE("of a message only its two ranks hear, whether it runs or fails", "[answer]") {
  for (const bool fails : {false, true}) {
    std::vector<Decision> decisions = {message_decision()};
    decisions[0].status = fails ? error(StatusCode::mismatch, "no") : ok_status();
    Answer answer(1);
    answer.add(fails ? failed_group(decisions[0]) : agreed_group(decisions, {0}));
    CHECK_FALSE(answer.same_for_all());
    CHECK(answer.for_rank(Rank(0)).groups.size() == 1);
    CHECK(answer.for_rank(Rank(1)).groups.empty());
    REQUIRE(answer.for_rank(Rank(2)).groups.size() == 1);
    CHECK(answer.for_rank(Rank(2)).groups[0].code ==
          (fails ? StatusCode::mismatch : StatusCode::ok));
  }
}

TEST_CASE("each rank of an alltoall with splits is told its own column", "[answer]") {
  std::vector<Decision> decisions = {exchange_decision()};
  Answer answer(1);
  answer.add(agreed_group(decisions, {0}));
  CHECK_FALSE(answer.same_for_all());
  CHECK(answer.for_rank(Rank(0)).groups.at(0).rows == std::vector<std::int64_t>{1, 4, 0});
  CHECK(answer.for_rank(Rank(2)).groups.at(0).rows == std::vector<std::int64_t>{3, 2, 1});
}

TEST_CASE("a failure keeps its code, text and culprit", "[answer]") {
  Decision decision = decision_of(entry_of("x"));
  decision.status = error(StatusCode::peer_ended, "gone").blame_rank(2);
  const AnsweredGroup group = failed_group(decision).answer;
  CHECK(group.code == StatusCode::peer_ended);
  CHECK(group.error_text == "gone");
  CHECK(group.culprit == Rank(2));
  CHECK(group.names == std::vector<std::string>{"x"});
}

TEST_CASE("the shape by which a schedule is chosen counts the whole vector", "[answer]") {
  std::vector<Decision> decisions = {decision_of(entry_of("a")), decision_of(entry_of("b"))};
  CHECK(work_shape(decisions, {0, 1}).element_count == 12);
  CHECK(work_shape(decisions, {0, 1}).tensor_count == 2);

  Decision gather = decision_of(entry_of("g", CollectiveKind::gather, shape_of({9, 2})));
  gather.entry.root = Rank(1);
  gather.rows = {1, 2, 4};
  decisions = {gather};
  CHECK(work_shape(decisions, {0}).element_count == 14);
  CHECK(work_shape(decisions, {0}).root == Rank(1));
  CHECK_FALSE(work_shape(decisions, {0}).even_parts);
  decisions[0].rows = {2, 2, 2};
  CHECK(work_shape(decisions, {0}).even_parts);

  decisions = {exchange_decision()};  // rank 2 receives 6 rows, the others less
  CHECK(work_shape(decisions, {0}).element_count == 12);
  CHECK_FALSE(work_shape(decisions, {0}).even_parts);
  decisions[0].splits = {{2, 2, 2}, {2, 2, 2}, {2, 2, 2}};
  CHECK(work_shape(decisions, {0}).even_parts);
}

TEST_CASE("an answered scatter says what its root gives", "[answer]") {
  std::vector<Decision> decisions = {
      decision_of(entry_of("s", CollectiveKind::scatter, shape_of({4, 2})))};
  decisions[0].entry.dtype = DType::int8;
  decisions[0].rows = {1, 3};
  const AnsweredGroup group = agreed_group(decisions, {0}).answer;
  CHECK(group.dtype == DType::int8);
  CHECK(group.shape == shape_of({4, 2}));
  CHECK(group.rows == std::vector<std::int64_t>{1, 3});
}

TEST_CASE("of a group an answer says the name and which tensors, in runs", "[answer]") {
  std::vector<Decision> decisions;
  for (const std::uint32_t tensor : {0u, 1u, 4u, 5u, 6u}) {
    decisions.push_back({.status = ok_status(), .entry = entry_of("g"), .tensor = tensor});
  }
  const DecidedGroup group = agreed_group(decisions, {0, 1, 2, 3, 4});
  CHECK(group.answer.names == std::vector<std::string>{"g"});
  CHECK(group.answer.members == std::vector<MemberRun>{{0, 2}, {4, 3}});
}

}  // namespace
}  // namespace hvd
