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

// Groups of decisions that go together, by index; each failed decision is a group of its own.
Answer answer_of(std::vector<Decision>& decisions,
                 const std::vector<std::vector<std::size_t>>& groups, std::uint64_t sequence = 1) {
  Answer answer;
  answer.begin(sequence, groups.size());
  for (const std::vector<std::size_t>& members : groups) {
    Decision& first = decisions[members.front()];
    first.status.ok() ? answer.add_agreed(decisions, members, 42, 5) : answer.add_failed(first);
  }
  return answer;
}

WorkShape shape_by(const std::vector<Decision>& decisions, std::vector<std::size_t> members) {
  return work_shape(decisions, members);
}

TEST_CASE("an answer of common operations is one message for all", "[answer]") {
  std::vector<Decision> decisions = {decision_of(entry_of("a")), decision_of(entry_of("b"))};
  const Answer answer = answer_of(decisions, {{0, 1}}, 7);
  CHECK(answer.same_for_all());
  const AnswerMessage& message = answer.for_all();
  CHECK(message.sequence == 7);
  REQUIRE(message.groups.size() == 1);
  CHECK(message.groups[0].names == std::vector<std::string>{"a", "b"});
  CHECK(message.groups[0].choice == 42);
  CHECK(message.groups[0].item == 5);
}

TEST_CASE("nothing of an earlier answer is in a later one", "[answer]") {
  std::vector<Decision> failed = {message_decision()};
  failed[0].status = error(StatusCode::mismatch, "no").blame_rank(1);
  std::vector<Decision> scatter = {
      decision_of(entry_of("s", CollectiveKind::scatter, shape_of({4, 2})))};
  scatter[0].rows = {1, 3};
  std::vector<Decision> member = {
      {.status = ok_status(), .entry = entry_of("g"), .tensor = std::uint32_t{3}}};
  std::vector<Decision> exchange = {exchange_decision()};
  std::vector<Decision> plain = {decision_of(entry_of("a"))};
  Answer answer;
  for (std::vector<Decision>* decisions : {&failed, &scatter, &member, &exchange, &plain}) {
    answer.begin(1, 1);
    if (decisions == &failed) {
      answer.add_failed(failed[0]);
    } else {
      answer.add_agreed(*decisions, std::vector<std::size_t>{0}, 0, 0);
    }
  }
  CHECK(answer.same_for_all());
  REQUIRE(answer.for_all().groups.size() == 1);
  const AnsweredGroup& group = answer.for_all().groups[0];
  CHECK(group.code == StatusCode::ok);
  CHECK(group.error_text.empty());
  CHECK(group.culprit == Rank());
  CHECK(group.names == std::vector<std::string>{"a"});
  CHECK(group.rows.empty());
  CHECK(group.members.empty());
  CHECK(group.dtype == DType::uint8);
  CHECK(group.shape == Shape());
}

TEST_CASE("of a message only its two ranks hear, whether it runs or fails", "[answer]") {
  for (const bool fails : {false, true}) {
    std::vector<Decision> decisions = {message_decision()};
    decisions[0].status = fails ? error(StatusCode::mismatch, "no") : ok_status();
    const Answer answer = answer_of(decisions, {{0}});
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
  const Answer answer = answer_of(decisions, {{0}});
  CHECK_FALSE(answer.same_for_all());
  CHECK(answer.for_rank(Rank(0)).groups.at(0).rows == std::vector<std::int64_t>{1, 4, 0});
  CHECK(answer.for_rank(Rank(2)).groups.at(0).rows == std::vector<std::int64_t>{3, 2, 1});
}

TEST_CASE("a failure keeps its code, text and culprit", "[answer]") {
  std::vector<Decision> decisions = {decision_of(entry_of("x"))};
  decisions[0].status = error(StatusCode::peer_ended, "gone").blame_rank(2);
  const AnsweredGroup group = answer_of(decisions, {{0}}).for_all().groups.at(0);
  CHECK(group.code == StatusCode::peer_ended);
  CHECK(group.error_text == "gone");
  CHECK(group.culprit == Rank(2));
  CHECK(group.names == std::vector<std::string>{"x"});
}

TEST_CASE("the shape by which a schedule is chosen counts the whole vector", "[answer]") {
  std::vector<Decision> decisions = {decision_of(entry_of("a")), decision_of(entry_of("b"))};
  CHECK(shape_by(decisions, {0, 1}).element_count == 12);
  CHECK(shape_by(decisions, {0, 1}).tensor_count == 2);

  Decision gather = decision_of(entry_of("g", CollectiveKind::gather, shape_of({9, 2})));
  gather.entry.root = Rank(1);
  gather.rows = {1, 2, 4};
  decisions = {gather};
  CHECK(shape_by(decisions, {0}).element_count == 14);
  CHECK(shape_by(decisions, {0}).root == Rank(1));
  CHECK_FALSE(shape_by(decisions, {0}).even_parts);
  decisions[0].rows = {2, 2, 2};
  CHECK(shape_by(decisions, {0}).even_parts);

  decisions = {exchange_decision()};  // rank 2 receives 6 rows, the others less
  CHECK(shape_by(decisions, {0}).element_count == 12);
  CHECK_FALSE(shape_by(decisions, {0}).even_parts);
  decisions[0].splits = {{2, 2, 2}, {2, 2, 2}, {2, 2, 2}};
  CHECK(shape_by(decisions, {0}).even_parts);
}

TEST_CASE("an answered scatter says what its root gives", "[answer]") {
  std::vector<Decision> decisions = {
      decision_of(entry_of("s", CollectiveKind::scatter, shape_of({4, 2})))};
  decisions[0].entry.dtype = DType::int8;
  decisions[0].rows = {1, 3};
  const AnsweredGroup group = answer_of(decisions, {{0}}).for_all().groups.at(0);
  CHECK(group.dtype == DType::int8);
  CHECK(group.shape == shape_of({4, 2}));
  CHECK(group.rows == std::vector<std::int64_t>{1, 3});
}

TEST_CASE("of a group an answer says the name and which tensors, in runs", "[answer]") {
  std::vector<Decision> decisions;
  for (const std::uint32_t tensor : {0u, 1u, 4u, 5u, 6u}) {
    decisions.push_back({.status = ok_status(), .entry = entry_of("g"), .tensor = tensor});
  }
  const AnsweredGroup group = answer_of(decisions, {{0, 1, 2, 3, 4}}).for_all().groups.at(0);
  CHECK(group.names == std::vector<std::string>{"g"});
  CHECK(group.members == std::vector<MemberRun>{{0, 2}, {4, 3}});
}

}  // namespace
}  // namespace hvd
