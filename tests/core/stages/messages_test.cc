#include "core/stages/messages.h"

#include <rapidcheck.h>

#include <algorithm>

#include "tests/catch.h"
#include "tests/core/stages/stage_samples.h"

namespace hvd {
namespace {

constexpr int kRankCount = 3;

rc::Gen<std::string> names() {
  return rc::gen::resize(20, rc::gen::nonEmpty(rc::gen::arbitrary<std::string>()));
}

// Splits that fit the first dimension, which a few kinds need.
void add_splits(ReadyEntry& entry) {
  if (!has_splits(entry.kind) || entry.shape.dimension_count() == 0) {
    return;
  }
  if (*rc::gen::arbitrary<bool>()) {
    entry.shape.set(0, entry.shape[0] / kRankCount * kRankCount);
    return;
  }
  const std::int64_t first = *rc::gen::inRange<std::int64_t>(0, entry.shape[0] + 1);
  entry.splits = {first, 0, entry.shape[0] - first};
}

void add_members(ReadyEntry& entry) {
  if (!may_be_grouped(entry.kind) || !entry.splits.empty()) {
    return;
  }
  entry.members.resize(*rc::gen::inRange<std::size_t>(0, 4));
  for (MemberEntry& member : entry.members) {
    member.dtype = static_cast<DType>(*rc::gen::inRange(0, kDTypeCount));
    member.within_reach = *rc::gen::arbitrary<bool>();
    member.shape = test::shape_of({*rc::gen::inRange(0, 9), *rc::gen::inRange(0, 9)});
  }
}

ReadyEntry any_entry() {
  ReadyEntry entry;
  entry.kind = static_cast<CollectiveKind>(*rc::gen::inRange(0, kCollectiveKindCount));
  entry.dtype = static_cast<DType>(*rc::gen::inRange(0, kDTypeCount));
  entry.op = static_cast<ReduceOp>(*rc::gen::inRange(0, kReduceOpCount));
  entry.within_reach = *rc::gen::arbitrary<bool>();
  entry.waited = *rc::gen::arbitrary<bool>();
  entry.unnamed = *rc::gen::inRange<std::uint64_t>(0, 3);
  entry.age = *rc::gen::inRange<Nanos>(0, 3);
  entry.root = Rank(*rc::gen::inRange(0, kRankCount));
  entry.prescale = *rc::gen::arbitrary<double>();
  entry.postscale = *rc::gen::arbitrary<double>();
  entry.deadline = *rc::gen::nonNegative<std::int64_t>();
  const int least = has_counts(entry.kind) && entry.kind != CollectiveKind::scatter ? 1 : 0;
  const int dimensions = *rc::gen::inRange(least, kDimensionCountMax + 1);
  std::vector<std::int64_t> sizes;
  sizes.reserve(static_cast<std::size_t>(dimensions));
  for (int d = 0; d < dimensions; ++d) {
    sizes.push_back(*rc::gen::inRange(0, 100));
  }
  entry.shape = Shape(sizes);
  add_splits(entry);
  add_members(entry);
  entry.name = *names();
  if (is_point_to_point(entry.kind)) {
    entry.peer = Rank(*rc::gen::inRange(0, kRankCount));
    entry.name.insert(0, kPointToPointPrefix);
  }
  return entry;
}

AnsweredGroup any_group() {
  AnsweredGroup group;
  group.code = static_cast<StatusCode>(*rc::gen::inRange(0, 13));
  group.error_text = *rc::gen::arbitrary<std::string>();
  group.culprit = Rank(*rc::gen::inRange(-1, kRankCount));
  group.choice = *rc::gen::arbitrary<std::uint64_t>();
  group.names =
      *rc::gen::resize(5, rc::gen::nonEmpty(rc::gen::container<std::vector<std::string>>(names())));
  if (*rc::gen::arbitrary<bool>()) {
    group.rows = *rc::gen::container<std::vector<std::int64_t>>(
        kRankCount, rc::gen::nonNegative<std::int64_t>());
  }
  group.item = *rc::gen::arbitrary<std::uint64_t>();
  group.dtype = static_cast<DType>(*rc::gen::inRange(0, kDTypeCount));
  group.shape = test::shape_of({*rc::gen::inRange(0, 9), 4});
  if (group.code == StatusCode::ok && *rc::gen::arbitrary<bool>()) {
    group.names.resize(1);
    group.members = {{*rc::gen::arbitrary<std::uint32_t>(), *rc::gen::arbitrary<std::uint32_t>()},
                     {2, 1}};
  }
  return group;
}

PlanMessage any_plan() {
  PlanMessage plan{*rc::gen::inRange<std::uint32_t>(1, 1000), {}};
  plan.groups.resize(*rc::gen::inRange<std::size_t>(1, 4));
  for (PlanGroup& group : plan.groups) {
    group.answer = any_group();
    group.answer.code = StatusCode::ok;
    group.answer.members.clear();
    for (const std::string& name : group.answer.names) {
      PlanTensor& tensor = group.tensors.emplace_back();
      tensor.entry = test::entry_of(name);
      tensor.entry.unnamed = *rc::gen::inRange<std::uint64_t>(0, 3);
      tensor.use = *rc::gen::arbitrary<std::uint32_t>();
    }
  }
  return plan;
}

ControlMessage any_position() {
  const auto epoch = *rc::gen::inRange<std::uint32_t>(1, 1000);
  const auto position = *rc::gen::inRange<std::uint64_t>(0, 1000);
  switch (*rc::gen::inRange(0, 6)) {
    case 0:
      return WordMessage{epoch, position};
    case 1:
      return GateMessage{epoch, position};
    case 2:
      return LastWordMessage{epoch, position};
    case 3:
      return CutMessage{epoch, position};
    case 4:
      return ThawMessage{epoch};
    default:
      return NudgeMessage{epoch, *names()};
  }
}

ControlMessage any_message() {
  const auto count = *rc::gen::inRange<std::size_t>(0, 5);
  switch (*rc::gen::inRange(0, 9)) {
    case 0: {
      ReadyMessage message{*rc::gen::arbitrary<std::uint64_t>(), {}};
      for (std::size_t i = 0; i < count; ++i) {
        message.entries.push_back(any_entry());
      }
      return message;
    }
    case 1: {
      AnswerMessage message{*rc::gen::arbitrary<std::uint64_t>(), {}};
      for (std::size_t i = 0; i < count; ++i) {
        message.groups.push_back(any_group());
      }
      return message;
    }
    case 2:
      return AbortMessage{*rc::gen::arbitrary<std::string>(),
                          Rank(*rc::gen::inRange(-1, kRankCount))};
    case 3:
      return GoodbyeMessage{};
    case 4:
      return GoodbyeSeenMessage{};
    case 5:
      return EndedMessage{};
    case 6:
      return any_plan();
    case 7:
      return any_position();
    default:
      return HeartbeatMessage{};
  }
}

bool good_splits(const ReadyEntry& entry) {
  if (entry.splits.empty()) {
    return entry.kind != CollectiveKind::alltoall || entry.shape[0] % kRankCount == 0;
  }
  std::int64_t sum = 0;
  for (const std::int64_t rows : entry.splits) {
    if (rows < 0 || rows > entry.shape[0]) {
      return false;
    }
    sum += rows;
  }
  return entry.splits.size() == kRankCount &&
         (entry.kind == CollectiveKind::alltoall ? sum <= entry.shape[0] : sum == entry.shape[0]);
}

bool good_members(const ReadyEntry& entry) {
  return may_be_grouped(entry.kind) && entry.splits.empty() &&
         std::all_of(entry.members.begin(), entry.members.end(), [&](const MemberEntry& member) {
           return valid_dtype(static_cast<int>(member.dtype)) && member.shape.countable() &&
                  (!has_counts(entry.kind) || member.shape.dimension_count() > 0);
         });
}

bool in_range(const ReadyEntry& entry) {
  const bool scalar = entry.shape.dimension_count() == 0;
  if (!entry.members.empty()) {
    ReadyEntry head = entry;
    head.members.clear();
    head.kind = CollectiveKind::allreduce;  // its own shape means nothing
    return good_members(entry) && in_range(head);
  }
  return valid_collective(static_cast<int>(entry.kind)) &&
         valid_dtype(static_cast<int>(entry.dtype)) &&
         valid_reduce_op(static_cast<int>(entry.op)) && entry.root.value >= 0 &&
         entry.root.value < kRankCount && entry.deadline >= 0 && entry.shape.countable() &&
         !entry.name.empty() && entry.name.size() <= kNameBytesMax &&
         entry.name.starts_with(kPointToPointPrefix) == is_point_to_point(entry.kind) &&
         (!is_point_to_point(entry.kind) ||
          (entry.peer.value >= 0 && entry.peer.value < kRankCount)) &&
         (!has_counts(entry.kind) ||
          (scalar ? entry.kind == CollectiveKind::scatter : good_splits(entry)));
}

bool in_range(const AnsweredGroup& group) {
  bool good = status_code_name(group.code) != "unknown" && group.culprit.value >= -1 &&
              group.culprit.value < kRankCount && !group.names.empty();
  for (const std::string& name : group.names) {
    good = good && !name.empty() && name.size() <= kNameBytesMax;
  }
  for (const std::int64_t rows : group.rows) {
    good = good && rows >= 0;
  }
  good = good && valid_dtype(static_cast<int>(group.dtype)) && group.shape.countable();
  good =
      good && (group.members.empty() || (group.names.size() == 1 && group.code == StatusCode::ok));
  return good && (group.rows.empty() || group.rows.size() == kRankCount);
}

bool in_range(const ControlMessage& message) {
  if (const auto* ready = std::get_if<ReadyMessage>(&message)) {
    return std::all_of(ready->entries.begin(), ready->entries.end(),
                       [](const ReadyEntry& entry) { return in_range(entry); });
  }
  if (const auto* answer = std::get_if<AnswerMessage>(&message)) {
    return std::all_of(answer->groups.begin(), answer->groups.end(),
                       [](const AnsweredGroup& group) { return in_range(group); });
  }
  if (const auto* plan = std::get_if<PlanMessage>(&message)) {
    return plan->epoch > 0 && !plan->groups.empty() &&
           std::all_of(plan->groups.begin(), plan->groups.end(), [](const PlanGroup& group) {
             return in_range(group.answer) && group.answer.code == StatusCode::ok &&
                    group.tensors.size() == group.answer.names.size() &&
                    std::all_of(group.tensors.begin(), group.tensors.end(),
                                [](const PlanTensor& tensor) { return in_range(tensor.entry); });
           });
  }
  if (const auto* word = std::get_if<WordMessage>(&message)) {
    return word->epoch > 0 && word->count < std::uint64_t{1} << 40;
  }
  if (const auto* nudge = std::get_if<NudgeMessage>(&message)) {
    return !nudge->name.empty() && nudge->name.size() <= kNameBytesMax;
  }
  if (const auto* abort = std::get_if<AbortMessage>(&message)) {
    return abort->culprit.value >= -1 && abort->culprit.value < kRankCount;
  }
  return true;
}

TEST_CASE("what is encoded is decoded as it was", "[messages][fuzz]") {
  CHECK(rc::check([] {
    const ControlMessage message = any_message();
    const Bytes bytes = test::encoded(message);
    const Result<ControlMessage> back = test::decoded(bytes, kRankCount);
    RC_ASSERT(back.ok());
    RC_ASSERT(back->index() == message.index());
    RC_ASSERT(test::encoded(*back) == bytes);
  }));
}

TEST_CASE("every field of an entry and of an answer travels", "[messages]") {
  ReadyEntry entry = test::entry_of("grad/fc", CollectiveKind::broadcast);
  entry.dtype = DType::bfloat16;
  entry.op = ReduceOp::max;
  entry.root = Rank(2);
  entry.prescale = 0.5;
  entry.postscale = 0.25;
  entry.deadline = 77;
  entry.waited = true;
  entry.unnamed = 12;
  const Result<ControlMessage> ready =
      test::decoded(test::encoded(test::ready({entry}, 9)), kRankCount);
  REQUIRE(ready.ok());
  const auto& message = std::get<ReadyMessage>(*ready);
  CHECK(message.answers_seen == 9);
  REQUIRE(message.entries.size() == 1);
  const ReadyEntry& got = message.entries[0];
  CHECK(got.kind == entry.kind);
  CHECK(got.dtype == entry.dtype);
  CHECK(got.op == entry.op);
  CHECK(got.root == entry.root);
  CHECK(got.prescale == entry.prescale);
  CHECK(got.postscale == entry.postscale);
  CHECK(got.deadline == entry.deadline);
  CHECK(got.waited);
  CHECK(got.unnamed == 12);
  CHECK(got.shape == entry.shape);
  CHECK(got.name == entry.name);
  AnsweredGroup group{StatusCode::mismatch, "text", Rank(1), 42, {"a", "b"}, {1, 2, 3}};
  group.item = 77;
  group.dtype = DType::int16;
  group.shape = test::shape_of({6, 5});
  const Result<ControlMessage> answer =
      test::decoded(test::encoded(AnswerMessage{5, {group}}), kRankCount);
  REQUIRE(answer.ok());
  const auto& back = std::get<AnswerMessage>(*answer);
  CHECK(back.sequence == 5);
  REQUIRE(back.groups.size() == 1);
  CHECK(back.groups[0].code == group.code);
  CHECK(back.groups[0].error_text == group.error_text);
  CHECK(back.groups[0].culprit == group.culprit);
  CHECK(back.groups[0].choice == group.choice);
  CHECK(back.groups[0].names == group.names);
  CHECK(back.groups[0].rows == group.rows);
  CHECK(back.groups[0].item == 77);
  CHECK(back.groups[0].dtype == DType::int16);
  CHECK(back.groups[0].shape == group.shape);
}

TEST_CASE("splits and peers travel with the kinds that have them", "[messages]") {
  ReadyEntry exchange = test::entry_of("x", CollectiveKind::alltoall, test::shape_of({6, 2}));
  exchange.splits = {1, 2, 3};
  ReadyEntry recv = test::entry_of("p2p 2>0 tag 7 #1", CollectiveKind::recv);
  recv.peer = Rank(2);
  const Result<ControlMessage> ready =
      test::decoded(test::encoded(test::ready({exchange, recv})), kRankCount);
  REQUIRE(ready.ok());
  const auto& entries = std::get<ReadyMessage>(*ready).entries;
  REQUIRE(entries.size() == 2);
  CHECK(entries[0].splits == exchange.splits);
  CHECK(entries[1].peer == Rank(2));
}

ReadyEntry grouped_entry(CollectiveKind kind = CollectiveKind::allreduce) {
  ReadyEntry entry = test::entry_of("g", kind, Shape());
  entry.members = {{DType::float32, true, test::shape_of({6})},
                   {DType::int64, false, test::shape_of({2, 3})}};
  return entry;
}

TEST_CASE("the tensors of a group travel in one entry, and which of them are answered",
          "[messages]") {
  const ReadyEntry entry = grouped_entry();
  const Result<ControlMessage> ready =
      test::decoded(test::encoded(test::ready({entry})), kRankCount);
  REQUIRE(ready.ok());
  CHECK(std::get<ReadyMessage>(*ready).entries.at(0).members == entry.members);
  // What one more tensor of one dimension costs: no name.
  ReadyEntry larger = entry;
  larger.members.push_back(entry.members[0]);
  CHECK(test::encoded(test::ready({larger})).size() ==
        test::encoded(test::ready({entry})).size() + 11);
  AnsweredGroup group;
  group.names = {"g"};
  group.members = {{0, 7}, {9, 1}};
  const Result<ControlMessage> answer =
      test::decoded(test::encoded(AnswerMessage{1, {group}}), kRankCount);
  REQUIRE(answer.ok());
  CHECK(std::get<AnswerMessage>(*answer).groups.at(0).members == group.members);
}

TEST_CASE("a group that no rank may ask for or be answered is refused", "[messages]") {
  const auto refused = [](const ReadyEntry& entry) {
    return !test::decoded(test::encoded(test::ready({entry})), kRankCount).ok();
  };
  CHECK_FALSE(refused(grouped_entry(CollectiveKind::allgather)));
  CHECK(refused(grouped_entry(CollectiveKind::broadcast)));
  ReadyEntry scalar = grouped_entry(CollectiveKind::allgather);
  scalar.members[1].shape = Shape();
  CHECK(refused(scalar));
  ReadyEntry dealt = grouped_entry(CollectiveKind::reduce_scatter);
  dealt.shape = test::shape_of({3});
  dealt.splits = {1, 1, 1};
  CHECK(refused(dealt));
  ReadyEntry endless = grouped_entry();
  endless.members.resize(kGroupTensorsMax + 1, endless.members[0]);
  CHECK(refused(endless));
  AnsweredGroup failed{StatusCode::mismatch, "text", Rank(1), 0, {"g"}, {}};
  failed.members = {{0, 1}};
  CHECK_FALSE(test::decoded(test::encoded(AnswerMessage{1, {failed}}), kRankCount).ok());
}

TEST_CASE("row counts that do not fit their tensor are refused", "[messages]") {
  for (const CollectiveKind kind :
       {CollectiveKind::alltoall, CollectiveKind::reduce_scatter, CollectiveKind::scatter}) {
    INFO(collective_name(kind));
    ReadyEntry entry = test::entry_of("x", kind, test::shape_of({6, 2}));
    const auto refused = [&](std::vector<std::int64_t> splits) {
      entry.splits = std::move(splits);
      return !test::decoded(test::encoded(test::ready({entry})), kRankCount).ok();
    };
    CHECK_FALSE(refused({1, 2, 3}));
    CHECK(refused({1, 2, 3, 0}));
    CHECK(refused({1, 2, 4}));
    CHECK(refused({-1, 4, 3}));
    CHECK(refused({INT64_MAX, INT64_MAX, 8}));
    CHECK(refused({1, 2, 2}) == (kind != CollectiveKind::alltoall));
  }
}

TEST_CASE("a name of a point-to-point is none of a collective, and the other way round",
          "[messages]") {
  ReadyEntry entry = test::entry_of("p2p 0>1 tag 0 #0");
  CHECK_FALSE(test::decoded(test::encoded(test::ready({entry})), kRankCount).ok());
  entry.kind = CollectiveKind::send;
  entry.peer = Rank(1);
  CHECK(test::decoded(test::encoded(test::ready({entry})), kRankCount).ok());
  entry.peer = Rank(kRankCount);
  CHECK_FALSE(test::decoded(test::encoded(test::ready({entry})), kRankCount).ok());
  entry.peer = Rank(1);
  entry.name = "x";
  CHECK_FALSE(test::decoded(test::encoded(test::ready({entry})), kRankCount).ok());
}

TEST_CASE("a message that is cut anywhere or too long is refused", "[messages][fuzz]") {
  CHECK(rc::check([] {
    Bytes bytes = test::encoded(any_message());
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      RC_ASSERT_FALSE(test::decoded(std::span(bytes).first(size), kRankCount).ok());
    }
    bytes.push_back(std::byte{0});
    RC_ASSERT_FALSE(test::decoded(bytes, kRankCount).ok());
  }));
}

TEST_CASE("a message with any one byte changed is refused or in range", "[messages][fuzz]") {
  CHECK(rc::check([] {
    Bytes bytes = test::encoded(any_message());
    for (std::byte& changed : bytes) {
      const std::byte before = changed;
      changed = static_cast<std::byte>(*rc::gen::arbitrary<std::uint8_t>());
      const Result<ControlMessage> message = test::decoded(bytes, kRankCount);
      if (message.ok()) {
        RC_ASSERT(in_range(*message));
      } else {
        RC_ASSERT_FALSE(message.status().message().empty());
      }
      changed = before;
    }
  }));
}

TEST_CASE("bytes that mean nothing are refused or in range", "[messages][fuzz]") {
  CHECK(rc::check([](std::vector<std::uint8_t> noise, bool dress_up) {
    Bytes bytes;
    for (const std::uint8_t value : noise) {
      bytes.push_back(std::byte{value});
    }
    if (dress_up && bytes.size() > 2) {
      bytes[0] = test::encoded(HeartbeatMessage{})[0];  // the version
      bytes[1] = static_cast<std::byte>(noise[1] % 8);
    }
    const Result<ControlMessage> message = test::decoded(bytes, kRankCount);
    RC_ASSERT((!message.ok() || in_range(*message)));
  }));
}

TEST_CASE("another version is refused by its number with the way out", "[messages]") {
  Bytes bytes = test::encoded(HeartbeatMessage{});
  bytes[0] = std::byte{9};
  const Status status = test::decoded(bytes, 2).status();
  CHECK(status.code() == StatusCode::unsupported);
  CHECK_THAT(status.message(), Catch::Contains("version 9"));
  CHECK_THAT(status.message(), Catch::Contains("run one hvd version on all ranks"));
}

TEST_CASE("ranks beyond the job are refused", "[messages]") {
  ReadyEntry entry = test::entry_of("x", CollectiveKind::broadcast);
  entry.root = Rank(2);
  CHECK(test::decoded(test::encoded(test::ready({entry})), 3).ok());
  CHECK_FALSE(test::decoded(test::encoded(test::ready({entry})), 2).ok());
  CHECK_FALSE(test::decoded(test::encoded(AbortMessage{"", Rank(2)}), 2).ok());
  CHECK(test::decoded(test::encoded(AbortMessage{"", Rank(-1)}), 2).ok());
}

TEST_CASE("an entry says what its request asks for", "[messages]") {
  Request request = test::request_of("x", CollectiveKind::broadcast);
  request.root = Rank(1);
  request.deadline = 5;
  const ReadyEntry entry = test::entry_of(request, Rank(0));
  CHECK(entry.kind == CollectiveKind::broadcast);
  CHECK(entry.name == "x");
  CHECK(entry.root == Rank(1));
  CHECK(entry.deadline == 5);
  CHECK(entry.shape == request.input.shape);
  CHECK(entry.byte_count() == 24);
}

TEST_CASE("a rank that is not a scatter's root says nothing of the tensor", "[messages]") {
  Request request = test::request_of("x", CollectiveKind::scatter);
  request.root = Rank(1);
  request.splits = {1, 1};
  CHECK(test::entry_of(request, Rank(1)).shape == request.input.shape);
  CHECK(test::entry_of(request, Rank(1)).splits == request.splits);
  CHECK(test::entry_of(request, Rank(0)).shape == Shape());
  CHECK(test::entry_of(request, Rank(0)).splits.empty());
}

}  // namespace
}  // namespace hvd
