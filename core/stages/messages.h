// core/stages/messages.h: what ranks and the root tell one another, and its bounds-checked codec.
// Not here: who sends what when (negotiator.h, root_negotiator.h), the wire (backends/net).
// Threads: values.  Limits: kControlMessageBytesMax per message, kNameBytesMax per name.
// Read next: root_negotiator.h.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/status.h"
#include "core/vocabulary/request.h"
#include "core/vocabulary/work_item.h"

namespace hvd {

// What the members of a grouped operation do not have in common.
struct MemberEntry {
  DType dtype = DType::uint8;
  bool within_reach = false;
  Shape shape = {};

  friend bool operator==(const MemberEntry&, const MemberEntry&) = default;
};

// What the root must know of a request to decide; the memory stays at its rank.
struct ReadyEntry {
  CollectiveKind kind = CollectiveKind::barrier;
  DType dtype = DType::uint8;
  ReduceOp op = ReduceOp::sum;
  Rank root = kRoot;
  double prescale = 1.0;
  double postscale = 1.0;
  Nanos deadline = 0;  // time from submission until it is an error; 0 is never
  Shape shape;         // scatter: of the root's tensor, nothing on the others
  std::string name;
  std::vector<std::int64_t> splits;  // Request::splits
  Rank peer = {};                    // send, recv
  bool within_reach = false;         // no property of the operation: ranks may differ in it
  // On some rank a blocking wait returned since the submission before this one. Ranks may differ.
  bool waited = false;
  std::uint64_t unnamed = 0;  // Request::unnamed
  Nanos age = 0;              // how long it has waited already, in a plan that has ended
  // A grouped operation's tensors. It is one entry, so that a rank has announced all or none of
  // them; its own dtype and shape mean nothing.
  std::vector<MemberEntry> members = {};

  std::size_t byte_count() const { return shape.element_count() * dtype_bytes(dtype); }
};

// Sets all of the entry, in the memory that it has. `self` is the rank that asks.
void describe(const Request& request, Rank self, ReadyEntry& entry);
// "allreduce.noname.17" without ".17".
std::string_view unnamed_family(std::string_view name);
// One tensor of a grouped operation, as if it were an operation of that name.
ReadyEntry entry_of_member(const ReadyEntry& entry, std::size_t index);

// Rank to root: these became ready here.
struct ReadyMessage {
  // How many answers this rank had processed: tells the root whether an entry crossed an answer.
  std::uint64_t answers_seen = 0;
  std::vector<ReadyEntry> entries;
};

// Members first, first + 1, ..., of a grouped operation.
struct MemberRun {
  std::uint32_t first = 0;
  std::uint32_t count = 0;

  friend bool operator==(const MemberRun&, const MemberRun&) = default;
};

// Tensors that one WorkItem carries, in this order; or one operation and the reason why it fails.
struct AnsweredGroup {
  StatusCode code = StatusCode::ok;
  std::string error_text;
  Rank culprit;  // -1 for none
  ScheduleChoice choice = 0;
  std::vector<std::string> names;
  // Where the kind has counts: how many rows each rank gives or gets, as WorkItem::counts;
  // alltoall: what the rank that is answered receives from each.
  std::vector<std::int64_t> rows = {};
  std::uint64_t item = 0;  // WorkItem::id
  // scatter: what the root gives. Only it knows.
  DType dtype = DType::uint8;
  Shape shape = {};
  // Where the one name is a grouped operation's that is well: the tensors that are carried.
  std::vector<MemberRun> members = {};
};

// Root to rank: decided, in the order in which every rank starts them.
struct AnswerMessage {
  // Counts answers from 1. A rank that an answer does not concern does not get it.
  std::uint64_t sequence = 0;
  std::vector<AnsweredGroup> groups;
};

// Tensors of a plan that travel together, and what each use of them has to be.
struct PlanTensor {
  ReadyEntry entry;       // an unnamed operation's name is without its number (unnamed_family)
  std::uint32_t use = 0;  // which use of its name within a cycle, from 0
};
struct PlanGroup {
  AnsweredGroup answer;             // its item is not looked at
  std::vector<PlanTensor> tensors;  // as answer.names
};

// Root to all, behind an answer: from here on these need no negotiation.
struct PlanMessage {
  std::uint32_t epoch = 0;  // counts plans from 1
  std::vector<PlanGroup> groups;
};
// A rank's word: it is committed to so many positions of this epoch.
struct WordMessage {
  std::uint32_t epoch = 0;
  std::uint64_t count = 0;
};
// Root to all, where words do not go through memory: so many positions are open.
struct GateMessage {
  std::uint32_t epoch = 0;
  std::uint64_t count = 0;
};
// Rank to root: the plan has to end. Root to all: say how far you are, and go no further.
struct ThawMessage {
  std::uint32_t epoch = 0;
};
// Rank to root: the last word of this epoch.
struct LastWordMessage {
  std::uint32_t epoch = 0;
  std::uint64_t count = 0;
};
// Root to all: positions before this one run, the others are negotiated. The plan is over.
struct CutMessage {
  std::uint32_t epoch = 0;
  std::uint64_t count = 0;
};
// Rank to root to all: somebody waits for this operation. Who holds it back has the plan ended.
struct NudgeMessage {
  std::uint32_t epoch = 0;
  std::string name;
};

// Either way: the job is over; every pending operation fails with this.
struct AbortMessage {
  std::string text;
  Rank culprit;
};

// Rank to root: I shall submit no more. Root to all: I shall decide no more.
struct GoodbyeMessage {};
// Root to rank: your goodbye is in order; every answer that concerns you came before this.
struct GoodbyeSeenMessage {};
// Either way: I have finished everything that I was committed to; that my channel ends is normal.
struct EndedMessage {};
// Either way: alive.
struct HeartbeatMessage {};

using ControlMessage =
    std::variant<ReadyMessage, AnswerMessage, AbortMessage, GoodbyeMessage, GoodbyeSeenMessage,
                 HeartbeatMessage, EndedMessage, PlanMessage, WordMessage, GateMessage, ThawMessage,
                 LastWordMessage, CutMessage, NudgeMessage>;

// Appends the message. The first two go with each operation, and are not copied into a variant.
void encode(std::uint64_t answers_seen, std::span<const ReadyEntry> entries, ByteWriter& out);
void encode(const AnswerMessage& message, ByteWriter& out);
void encode(const ControlMessage& message, ByteWriter& out);
// Refuses what is cut, too long, of another version or out of range; `message` is undefined then.
// rank_count bounds the ranks. A message of the kind that `message` is already gets its memory.
Status decode(std::span<const std::byte> bytes, int rank_count, ControlMessage& message);

}  // namespace hvd
