#include "core/stages/messages.h"

#include <array>
#include <utility>

namespace hvd {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kErrorTextBytesMax = 64 << 10;
constexpr std::size_t kReadyEntryBytesMin = 36;
constexpr std::size_t kGroupBytesMin = 25;

enum class MessageType : std::uint8_t {
  ready,
  answer,
  abort,
  goodbye,
  goodbye_seen,
  heartbeat,
  ended
};

// ---- writing -----------------------------------------------------------------------------------

void put_type(ByteWriter& out, MessageType type) {
  out.put(kVersion).put(static_cast<std::uint8_t>(type));
}

void put_entry(ByteWriter& out, const ReadyEntry& entry) {
  out.put(static_cast<std::uint8_t>(entry.kind));
  out.put(static_cast<std::uint8_t>(entry.dtype));
  out.put(static_cast<std::uint8_t>(entry.op));
  out.put(static_cast<std::int32_t>(entry.root.value));
  out.put(entry.prescale).put(entry.postscale).put(entry.deadline);
  out.put(static_cast<std::uint8_t>(entry.shape.dimension_count()));
  for (const std::int64_t size : entry.shape.sizes()) {
    out.put(size);
  }
  out.put_string(entry.name);
}

void put_group(ByteWriter& out, const AnsweredGroup& group) {
  out.put(static_cast<std::uint8_t>(group.code));
  out.put_string(group.error_text);
  out.put(static_cast<std::int32_t>(group.culprit.value));
  out.put(group.choice);
  out.put(static_cast<std::uint32_t>(group.names.size()));
  for (const std::string& name : group.names) {
    out.put_string(name);
  }
  out.put(static_cast<std::uint32_t>(group.gather_rows.size()));
  for (const std::int64_t rows : group.gather_rows) {
    out.put(rows);
  }
}

struct Writer {
  ByteWriter& out;

  void operator()(const ReadyMessage& message) const {
    put_type(out, MessageType::ready);
    out.put(message.answers_seen).put(static_cast<std::uint32_t>(message.entries.size()));
    for (const ReadyEntry& entry : message.entries) {
      put_entry(out, entry);
    }
  }
  void operator()(const AnswerMessage& message) const {
    put_type(out, MessageType::answer);
    out.put(message.sequence).put(static_cast<std::uint32_t>(message.groups.size()));
    for (const AnsweredGroup& group : message.groups) {
      put_group(out, group);
    }
  }
  void operator()(const AbortMessage& message) const {
    put_type(out, MessageType::abort);
    out.put(static_cast<std::int32_t>(message.culprit.value)).put_string(message.text);
  }
  void operator()(const GoodbyeMessage&) const { put_type(out, MessageType::goodbye); }
  void operator()(const GoodbyeSeenMessage&) const { put_type(out, MessageType::goodbye_seen); }
  void operator()(const HeartbeatMessage&) const { put_type(out, MessageType::heartbeat); }
  void operator()(const EndedMessage&) const { put_type(out, MessageType::ended); }
};

// ---- reading -----------------------------------------------------------------------------------
// Every field's range is checked here, so that nobody behind has to; false: refuse the message.

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

bool get_entry(ByteReader& in, int rank_count, ReadyEntry& entry) {
  const auto kind = in.get<std::uint8_t>();
  const auto dtype = in.get<std::uint8_t>();
  const auto op = in.get<std::uint8_t>();
  entry.root = Rank(in.get<std::int32_t>());
  entry.prescale = in.get<double>();
  entry.postscale = in.get<double>();
  entry.deadline = in.get<Nanos>();
  if (!get_shape(in, entry.shape)) {
    return false;
  }
  entry.name = in.get_string(kNameBytesMax);
  if (!in.ok() || entry.name.empty() || !valid_collective(kind) || !valid_dtype(dtype) ||
      !valid_reduce_op(op)) {
    return false;
  }
  entry.kind = static_cast<CollectiveKind>(kind);
  entry.dtype = static_cast<DType>(dtype);
  entry.op = static_cast<ReduceOp>(op);
  const bool gathers_scalar =
      entry.kind == CollectiveKind::allgather && entry.shape.dimension_count() == 0;
  return !gathers_scalar && entry.root >= kRoot && entry.root.value < rank_count &&
         entry.deadline >= 0;
}

bool get_group(ByteReader& in, int rank_count, AnsweredGroup& group) {
  const auto code = in.get<std::uint8_t>();
  group.error_text = in.get_string(kErrorTextBytesMax);
  group.culprit = Rank(in.get<std::int32_t>());
  group.choice = in.get<ScheduleChoice>();
  group.names.resize(in.get_count(sizeof(std::uint32_t)));
  for (std::string& name : group.names) {
    name = in.get_string(kNameBytesMax);
    if (name.empty()) {
      return false;
    }
  }
  group.gather_rows.resize(in.get_count(sizeof(std::int64_t)));
  for (std::int64_t& rows : group.gather_rows) {
    rows = in.get<std::int64_t>();
    if (rows < 0) {
      return false;
    }
  }
  group.code = static_cast<StatusCode>(code);
  return in.ok() && code <= static_cast<std::uint8_t>(StatusCode::internal) &&
         group.culprit.value >= -1 && group.culprit.value < rank_count && !group.names.empty() &&
         (group.gather_rows.empty() ||
          group.gather_rows.size() == static_cast<std::size_t>(rank_count));
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

bool get_body(ByteReader& in, MessageType type, int rank_count, ControlMessage& message) {
  switch (type) {
    case MessageType::ready:
      return get_ready(in, rank_count, message.emplace<ReadyMessage>());
    case MessageType::answer:
      return get_answer(in, rank_count, message.emplace<AnswerMessage>());
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
  }
  return false;
}

}  // namespace

ReadyEntry ready_entry_of(const Request& request) {
  ReadyEntry entry;
  entry.kind = request.kind;
  entry.dtype = request.input.dtype;
  entry.op = request.op;
  if (request.kind == CollectiveKind::broadcast) {
    entry.root = request.root;  // of the others nobody checked it, and nobody needs it
  }
  entry.prescale = request.prescale;
  entry.postscale = request.postscale;
  entry.deadline = request.deadline;
  entry.shape = request.input.shape;
  entry.name = request.name;
  return entry;
}

Bytes encode(const ControlMessage& message) {
  ByteWriter out;
  std::visit(Writer{out}, message);
  return out.take();
}

Result<ControlMessage> decode(std::span<const std::byte> bytes, int rank_count) {
  ByteReader in(bytes);
  const auto version = in.get<std::uint8_t>();
  if (in.ok() && version != kVersion) {
    return error(StatusCode::unsupported, "control message of version ", int{version},
                 " where version ", int{kVersion},
                 " was expected. run one hvd version on all ranks");
  }
  const auto type = static_cast<MessageType>(in.get<std::uint8_t>());
  ControlMessage message;
  if (!in.ok() || !get_body(in, type, rank_count, message) || !in.finished()) {
    return error(StatusCode::invalid_argument, "control message of ", bytes.size(), " bytes, type ",
                 static_cast<int>(type), ", does not parse");
  }
  return message;
}

}  // namespace hvd
