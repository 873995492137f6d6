#include "core/stages/messages.h"

#include <array>
#include <utility>

namespace hvd {
namespace {

constexpr std::uint8_t kVersion = 5;
constexpr std::size_t kErrorTextBytesMax = 64 << 10;
constexpr std::size_t kReadyEntryBytesMin = 37;
constexpr std::size_t kGroupBytesMin = 35;
constexpr std::size_t kMemberBytesMin = 3;

// Bits of an entry's and of a member's flags.
constexpr std::uint8_t kWithinReach = 1;
constexpr std::uint8_t kGrouped = 2;
constexpr std::uint8_t kWaited = 4;
constexpr std::uint8_t kUnnamed = 8;
constexpr std::uint8_t kAged = 16;
// Beside an answer's status code.
constexpr std::uint8_t kOfMembers = 0x80;

enum class MessageType : std::uint8_t {
  ready,
  answer,
  abort,
  goodbye,
  goodbye_seen,
  heartbeat,
  ended,
  plan,
  word,
  gate,
  thaw,
  last_word,
  cut,
  nudge
};

// ---- writing -----------------------------------------------------------------------------------

void put_type(ByteWriter& out, MessageType type) {
  out.put(kVersion).put(static_cast<std::uint8_t>(type));
}

void put_shape(ByteWriter& out, const Shape& shape) {
  out.put(static_cast<std::uint8_t>(shape.dimension_count()));
  for (const std::int64_t size : shape.sizes()) {
    out.put(size);
  }
}

void put_rows(ByteWriter& out, const std::vector<std::int64_t>& rows) {
  out.put(static_cast<std::uint32_t>(rows.size()));
  for (const std::int64_t count : rows) {
    out.put(count);
  }
}

void put_members(ByteWriter& out, const std::vector<MemberEntry>& members) {
  out.put(static_cast<std::uint32_t>(members.size()));
  for (const MemberEntry& member : members) {
    out.put(static_cast<std::uint8_t>(member.dtype));
    out.put(static_cast<std::uint8_t>(member.within_reach ? kWithinReach : 0));
    put_shape(out, member.shape);
  }
}

void put_entry(ByteWriter& out, const ReadyEntry& entry) {
  out.put(static_cast<std::uint8_t>(entry.kind));
  out.put(static_cast<std::uint8_t>(entry.dtype));
  out.put(static_cast<std::uint8_t>(entry.op));
  out.put(static_cast<std::uint8_t>(
      (entry.within_reach ? kWithinReach : 0) | (entry.members.empty() ? 0 : kGrouped) |
      (entry.waited ? kWaited : 0) | (entry.unnamed == 0 ? 0 : kUnnamed) |
      (entry.age == 0 ? 0 : kAged)));
  out.put(static_cast<std::int32_t>(entry.root.value));
  out.put(entry.prescale).put(entry.postscale).put(entry.deadline);
  put_shape(out, entry.shape);
  out.put_string(entry.name);
  if (has_splits(entry.kind)) {
    put_rows(out, entry.splits);
  }
  if (is_point_to_point(entry.kind)) {
    out.put(static_cast<std::int32_t>(entry.peer.value));
  }
  if (entry.unnamed != 0) {
    out.put(entry.unnamed);
  }
  if (entry.age != 0) {
    out.put(entry.age);
  }
  if (!entry.members.empty()) {
    put_members(out, entry.members);
  }
}

void put_group(ByteWriter& out, const AnsweredGroup& group) {
  out.put(static_cast<std::uint8_t>(static_cast<std::uint8_t>(group.code) |
                                    (group.members.empty() ? 0 : kOfMembers)));
  out.put_string(group.error_text);
  out.put(static_cast<std::int32_t>(group.culprit.value));
  out.put(group.choice);
  out.put(static_cast<std::uint32_t>(group.names.size()));
  for (const std::string& name : group.names) {
    out.put_string(name);
  }
  put_rows(out, group.rows);
  out.put(group.item);
  out.put(static_cast<std::uint8_t>(group.dtype));
  put_shape(out, group.shape);
  if (!group.members.empty()) {
    out.put(static_cast<std::uint32_t>(group.members.size()));
    for (const MemberRun& run : group.members) {
      out.put(run.first).put(run.count);
    }
  }
}

void put_position(ByteWriter& out, MessageType type, std::uint32_t epoch, std::uint64_t count) {
  put_type(out, type);
  out.put(epoch).put(count);
}

struct Writer {
  ByteWriter& out;

  void operator()(const ReadyMessage& message) const {
    encode(message.answers_seen, message.entries, out);
  }
  void operator()(const AnswerMessage& message) const { encode(message, out); }
  void operator()(const AbortMessage& message) const {
    put_type(out, MessageType::abort);
    out.put(static_cast<std::int32_t>(message.culprit.value)).put_string(message.text);
  }
  void operator()(const GoodbyeMessage&) const { put_type(out, MessageType::goodbye); }
  void operator()(const GoodbyeSeenMessage&) const { put_type(out, MessageType::goodbye_seen); }
  void operator()(const HeartbeatMessage&) const { put_type(out, MessageType::heartbeat); }
  void operator()(const EndedMessage&) const { put_type(out, MessageType::ended); }
  void operator()(const PlanMessage& message) const {
    put_type(out, MessageType::plan);
    out.put(message.epoch).put(static_cast<std::uint32_t>(message.groups.size()));
    for (const PlanGroup& group : message.groups) {
      put_group(out, group.answer);
      for (const PlanTensor& tensor : group.tensors) {
        put_entry(out, tensor.entry);
        out.put(tensor.use);
      }
    }
  }
  void operator()(const WordMessage& message) const {
    put_position(out, MessageType::word, message.epoch, message.count);
  }
  void operator()(const GateMessage& message) const {
    put_position(out, MessageType::gate, message.epoch, message.count);
  }
  void operator()(const ThawMessage& message) const {
    put_type(out, MessageType::thaw);
    out.put(message.epoch);
  }
  void operator()(const LastWordMessage& message) const {
    put_position(out, MessageType::last_word, message.epoch, message.count);
  }
  void operator()(const CutMessage& message) const {
    put_position(out, MessageType::cut, message.epoch, message.count);
  }
  void operator()(const NudgeMessage& message) const {
    put_type(out, MessageType::nudge);
    out.put(message.epoch).put_string(message.name);
  }
};

// ---- reading -----------------------------------------------------------------------------------
// Every field's range is checked here, so that nobody behind has to; false: refuse the message.
// What is read into may be an earlier message, for its memory: every field is set.

bool get_shape(ByteReader& in, Shape& shape) {
  const auto dimensions = in.get<std::uint8_t>();
  if (dimensions > kDimensionCountMax) {
    return false;
  }
  std::array<std::int64_t, kDimensionCountMax> sizes{};
  for (std::size_t d = 0; d < dimensions; ++d) {
    sizes[d] = in.get<std::int64_t>();
  }
  shape = Shape(std::span<const std::int64_t>(sizes).first(dimensions));
  return shape.countable();
}

// None at all, or one for each rank.
bool get_rows(ByteReader& in, int rank_count, std::vector<std::int64_t>& rows) {
  rows.resize(in.get_count(sizeof(std::int64_t)));
  for (std::int64_t& count : rows) {
    count = in.get<std::int64_t>();
    if (count < 0) {
      return false;
    }
  }
  return rows.empty() || rows.size() == static_cast<std::size_t>(rank_count);
}

// Pair: check_request (submit_queue.cc) lets nothing else out. What only its sender's rank decides
// (a scatter's root) is looked at where the sender is known.
bool good_shape(const ReadyEntry& entry, int rank_count) {
  if (!has_counts(entry.kind)) {
    return true;
  }
  if (entry.shape.dimension_count() == 0) {
    return entry.kind == CollectiveKind::scatter && entry.splits.empty();
  }
  if (entry.splits.empty()) {
    return entry.kind != CollectiveKind::alltoall || entry.shape[0] % rank_count == 0;
  }
  std::int64_t sum = 0;
  for (const std::int64_t rows : entry.splits) {
    if (__builtin_add_overflow(sum, rows, &sum)) {
      return false;
    }
  }
  return entry.kind == CollectiveKind::alltoall ? sum <= entry.shape[0] : sum == entry.shape[0];
}

bool good_name(const ReadyEntry& entry) {
  return !entry.name.empty() &&
         entry.name.starts_with(kPointToPointPrefix) == is_point_to_point(entry.kind);
}

// Pair: check_group (grouped.cc), and what good_shape demands of the kinds that may be grouped.
bool get_members(ByteReader& in, ReadyEntry& entry) {
  const std::size_t count = in.get_count(kMemberBytesMin);
  if (!may_be_grouped(entry.kind) || !entry.splits.empty() || count == 0 ||
      count > kGroupTensorsMax) {
    return false;
  }
  entry.members.resize(count);
  for (MemberEntry& member : entry.members) {
    const auto dtype = in.get<std::uint8_t>();
    const auto flags = in.get<std::uint8_t>();
    if (!valid_dtype(dtype) || flags > kWithinReach || !get_shape(in, member.shape)) {
      return false;
    }
    member.dtype = static_cast<DType>(dtype);
    member.within_reach = (flags & kWithinReach) != 0;
    if (has_counts(entry.kind) && member.shape.dimension_count() == 0) {
      return false;
    }
  }
  return true;
}

bool get_entry(ByteReader& in, int rank_count, ReadyEntry& entry) {
  const auto kind = in.get<std::uint8_t>();
  const auto dtype = in.get<std::uint8_t>();
  const auto op = in.get<std::uint8_t>();
  const auto flags = in.get<std::uint8_t>();
  entry.within_reach = (flags & kWithinReach) != 0;
  entry.waited = (flags & kWaited) != 0;
  entry.root = Rank(in.get<std::int32_t>());
  entry.prescale = in.get<double>();
  entry.postscale = in.get<double>();
  entry.deadline = in.get<Nanos>();
  if (!get_shape(in, entry.shape)) {
    return false;
  }
  in.get_string(kNameBytesMax, entry.name);
  if (!in.ok() || !valid_collective(kind) || !valid_dtype(dtype) || !valid_reduce_op(op) ||
      flags > (kWithinReach | kGrouped | kWaited | kUnnamed | kAged)) {
    return false;
  }
  entry.kind = static_cast<CollectiveKind>(kind);
  entry.dtype = static_cast<DType>(dtype);
  entry.op = static_cast<ReduceOp>(op);
  entry.splits.clear();
  if (has_splits(entry.kind) && !get_rows(in, rank_count, entry.splits)) {
    return false;
  }
  entry.peer = Rank();
  if (is_point_to_point(entry.kind)) {
    entry.peer = Rank(in.get<std::int32_t>());
    if (entry.peer < kRoot || entry.peer.value >= rank_count) {
      return false;
    }
  }
  entry.unnamed = (flags & kUnnamed) != 0 ? in.get<std::uint64_t>() : 0;
  entry.age = (flags & kAged) != 0 ? in.get<Nanos>() : 0;
  if (((flags & kUnnamed) != 0) != (entry.unnamed != 0) || entry.age < 0 ||
      ((flags & kAged) != 0) != (entry.age != 0)) {
    return false;
  }
  entry.members.clear();
  if ((flags & kGrouped) != 0 ? !get_members(in, entry) : !good_shape(entry, rank_count)) {
    return false;
  }
  return good_name(entry) && entry.root >= kRoot && entry.root.value < rank_count &&
         entry.deadline >= 0;
}

// Which members they are is looked at where the operation is known.
bool get_runs(ByteReader& in, AnsweredGroup& group) {
  group.members.resize(in.get_count(sizeof(MemberRun)));
  for (MemberRun& run : group.members) {
    run.first = in.get<std::uint32_t>();
    run.count = in.get<std::uint32_t>();
  }
  return !group.members.empty() && group.names.size() == 1 && group.code == StatusCode::ok;
}

bool get_group(ByteReader& in, int rank_count, AnsweredGroup& group) {
  const auto first = in.get<std::uint8_t>();
  const auto code = static_cast<std::uint8_t>(first & ~kOfMembers);
  in.get_string(kErrorTextBytesMax, group.error_text);
  group.culprit = Rank(in.get<std::int32_t>());
  group.choice = in.get<ScheduleChoice>();
  group.names.resize(in.get_count(sizeof(std::uint32_t)));
  for (std::string& name : group.names) {
    in.get_string(kNameBytesMax, name);
    if (name.empty()) {
      return false;
    }
  }
  if (!get_rows(in, rank_count, group.rows)) {
    return false;
  }
  group.item = in.get<std::uint64_t>();
  const auto dtype = in.get<std::uint8_t>();
  if (!valid_dtype(dtype) || !get_shape(in, group.shape)) {
    return false;
  }
  group.dtype = static_cast<DType>(dtype);
  group.code = static_cast<StatusCode>(code);
  group.members.clear();
  if ((first & kOfMembers) != 0 && !get_runs(in, group)) {
    return false;
  }
  return in.ok() && code <= static_cast<std::uint8_t>(StatusCode::internal) &&
         group.culprit.value >= -1 && group.culprit.value < rank_count && !group.names.empty();
}

bool get_ready(ByteReader& in, int rank_count, ReadyMessage& message) {
  message.answers_seen = in.get<std::uint64_t>();
  message.entries.resize(in.get_count(kReadyEntryBytesMin));
  for (ReadyEntry& entry : message.entries) {
    if (!get_entry(in, rank_count, entry)) {
      return false;
    }
  }
  return true;
}

bool get_answer(ByteReader& in, int rank_count, AnswerMessage& message) {
  message.sequence = in.get<std::uint64_t>();
  message.groups.resize(in.get_count(kGroupBytesMin));
  for (AnsweredGroup& group : message.groups) {
    if (!get_group(in, rank_count, group)) {
      return false;
    }
  }
  return true;
}

bool get_abort(ByteReader& in, int rank_count, AbortMessage& message) {
  message.culprit = Rank(in.get<std::int32_t>());
  message.text = in.get_string(kErrorTextBytesMax);
  return message.culprit.value >= -1 && message.culprit.value < rank_count;
}

// Positions stay far below what a word can hold (word_board.h).
constexpr std::uint64_t kPositionMost = std::uint64_t{1} << 40;

template <typename Message>
bool get_position(ByteReader& in, Message& message) {
  message.epoch = in.get<std::uint32_t>();
  message.count = in.get<std::uint64_t>();
  return message.epoch > 0 && message.count < kPositionMost;
}

bool get_plan_group(ByteReader& in, int rank_count, PlanGroup& group) {
  if (!get_group(in, rank_count, group.answer) || group.answer.code != StatusCode::ok) {
    return false;
  }
  group.tensors.resize(group.answer.names.size());
  for (std::size_t i = 0; i < group.tensors.size(); ++i) {
    PlanTensor& tensor = group.tensors[i];
    if (!get_entry(in, rank_count, tensor.entry) || tensor.entry.name != group.answer.names[i] ||
        tensor.entry.members.empty() != group.answer.members.empty()) {
      return false;
    }
    tensor.use = in.get<std::uint32_t>();
  }
  return true;
}

// Whether the uses of each name are numbered without a gap is looked at where they are sorted.
bool get_plan(ByteReader& in, int rank_count, PlanMessage& message) {
  message.epoch = in.get<std::uint32_t>();
  message.groups.resize(in.get_count(kGroupBytesMin));
  for (PlanGroup& group : message.groups) {
    if (!get_plan_group(in, rank_count, group)) {
      return false;
    }
  }
  return message.epoch > 0 && !message.groups.empty();
}

bool get_nudge(ByteReader& in, NudgeMessage& message) {
  message.epoch = in.get<std::uint32_t>();
  in.get_string(kNameBytesMax, message.name);
  return !message.name.empty();
}

template <typename Message>
Message& of_kind(ControlMessage& message) {
  auto* const held = std::get_if<Message>(&message);
  return held != nullptr ? *held : message.emplace<Message>();
}

bool get_body(ByteReader& in, MessageType type, int rank_count, ControlMessage& message) {
  switch (type) {
    case MessageType::ready:
      return get_ready(in, rank_count, of_kind<ReadyMessage>(message));
    case MessageType::answer:
      return get_answer(in, rank_count, of_kind<AnswerMessage>(message));
    case MessageType::abort:
      return get_abort(in, rank_count, message.emplace<AbortMessage>());
    case MessageType::goodbye:
      message = GoodbyeMessage{};
      return true;
    case MessageType::goodbye_seen:
      message = GoodbyeSeenMessage{};
      return true;
    case MessageType::heartbeat:
      message = HeartbeatMessage{};
      return true;
    case MessageType::ended:
      message = EndedMessage{};
      return true;
    case MessageType::plan:
      return get_plan(in, rank_count, message.emplace<PlanMessage>());
    case MessageType::word:
      return get_position(in, of_kind<WordMessage>(message));
    case MessageType::gate:
      return get_position(in, of_kind<GateMessage>(message));
    case MessageType::thaw:
      of_kind<ThawMessage>(message).epoch = in.get<std::uint32_t>();
      return true;
    case MessageType::last_word:
      return get_position(in, of_kind<LastWordMessage>(message));
    case MessageType::cut:
      return get_position(in, of_kind<CutMessage>(message));
    case MessageType::nudge:
      return get_nudge(in, message.emplace<NudgeMessage>());
  }
  return false;
}

}  // namespace

// What a kind has no use for nobody checked, and nobody needs: it keeps its default.
void describe(const Request& request, Rank self, ReadyEntry& entry) {
  const bool describes = request.kind != CollectiveKind::scatter || request.root == self;
  entry.kind = request.kind;
  entry.dtype = describes ? request.input.dtype : DType::uint8;
  entry.op = request.op;
  entry.root = has_root(request.kind) ? request.root : kRoot;
  entry.prescale = request.prescale;
  entry.postscale = request.postscale;
  entry.deadline = request.deadline;
  entry.shape = describes ? request.input.shape : Shape();
  entry.name = request.name;
  entry.splits.clear();
  if (has_splits(request.kind) && describes) {
    entry.splits = request.splits;
  }
  entry.peer = is_point_to_point(request.kind) ? request.peer : Rank();
  entry.within_reach = request.within_reach;
  entry.waited = false;
  entry.unnamed = request.unnamed;
  entry.age = 0;
  entry.members.clear();
}

std::string_view unnamed_family(std::string_view name) { return name.substr(0, name.rfind('.')); }

ReadyEntry entry_of_member(const ReadyEntry& entry, std::size_t index) {
  const MemberEntry& member = entry.members[index];
  ReadyEntry alone;
  alone.kind = entry.kind;
  alone.dtype = member.dtype;
  alone.op = entry.op;
  alone.root = entry.root;
  alone.prescale = entry.prescale;
  alone.postscale = entry.postscale;
  alone.shape = member.shape;
  alone.name = entry.name;
  alone.within_reach = member.within_reach;
  alone.waited = entry.waited;
  alone.unnamed = entry.unnamed;
  return alone;
}

void encode(std::uint64_t answers_seen, std::span<const ReadyEntry> entries, ByteWriter& out) {
  put_type(out, MessageType::ready);
  out.put(answers_seen).put(static_cast<std::uint32_t>(entries.size()));
  for (const ReadyEntry& entry : entries) {
    put_entry(out, entry);
  }
}

void encode(const AnswerMessage& message, ByteWriter& out) {
  put_type(out, MessageType::answer);
  out.put(message.sequence).put(static_cast<std::uint32_t>(message.groups.size()));
  for (const AnsweredGroup& group : message.groups) {
    put_group(out, group);
  }
}

void encode(const ControlMessage& message, ByteWriter& out) { std::visit(Writer{out}, message); }

Status decode(std::span<const std::byte> bytes, int rank_count, ControlMessage& message) {
  ByteReader in(bytes);
  const auto version = in.get<std::uint8_t>();
  if (in.ok() && version != kVersion) {
    return error(StatusCode::unsupported, "control message of version ", int{version},
                 " where version ", int{kVersion},
                 " was expected. run one hvd version on all ranks");
  }
  const auto type = static_cast<MessageType>(in.get<std::uint8_t>());
  if (!in.ok() || !get_body(in, type, rank_count, message) || !in.finished()) {
    return error(StatusCode::invalid_argument, "control message of ", bytes.size(), " bytes, type ",
                 static_cast<int>(type), ", does not parse");
  }
  return ok_status();
}

}  // namespace hvd
