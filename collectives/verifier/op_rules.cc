#include "collectives/verifier/op_rules.h"

#include <algorithm>
#include <numeric>

#include "collectives/schedule_text.h"
#include "core/base/str.h"

namespace hvd {
namespace {

unsigned allowed_flags(const Schedule& schedule, OpKind kind) {
  const unsigned pre = schedule.prescale ? unsigned{kScalePre} : 0U;
  const unsigned post = schedule.postscale ? unsigned{kScalePost} : 0U;
  const unsigned narrow = schedule.narrow ? unsigned{kNarrow} : 0U;
  switch (kind) {
    case OpKind::copy:
      return pre | post | narrow | kStream;
    case OpKind::reduce:
      return kReverseOperands | post;
    case OpKind::recv_reduce:
      return kReverseOperands | post | narrow;
    case OpKind::recv:
      return post | narrow;
    case OpKind::send:
      return narrow;
    case OpKind::reduce_slots:
      return post | kStream | kToSlot | kFromInputs | kToOutputs;
    case OpKind::weigh:
      return kReverseOperands | post;
    case OpKind::dot:
      return kReverseOperands;
    case OpKind::post:
    case OpKind::wait:
    case OpKind::wait_all:
      return 0;
  }
  return 0;
}

bool is_edge_op(OpKind kind) {
  return kind == OpKind::send || kind == OpKind::recv || kind == OpKind::recv_reduce;
}
bool is_signal(OpKind kind) {
  return kind == OpKind::post || kind == OpKind::wait || kind == OpKind::wait_all;
}
bool weighs(OpKind kind) { return kind == OpKind::dot || kind == OpKind::weigh; }
bool moves_products(const Op& op) {
  return op.src == BufferKind::products || op.dst == BufferKind::products;
}
// What the op does not write is an operand all the same.
bool has_dst(OpKind kind) { return kind != OpKind::send && !is_signal(kind); }
bool has_src(OpKind kind) { return kind != OpKind::recv && !is_signal(kind); }
bool is_of_a_peer(BufferKind buffer) {
  return buffer == BufferKind::slot || buffer == BufferKind::peer_input ||
         buffer == BufferKind::peer_output || buffer == BufferKind::peer_part;
}
bool shares_slots(const Schedule& schedule, Rank with) {
  return std::binary_search(schedule.slot_ranks.begin(), schedule.slot_ranks.end(), with,
                            [](const Rank& a, const Rank& b) { return a.value < b.value; });
}

std::string range_fault(const char* what, std::uint64_t offset, std::uint64_t count,
                        std::uint64_t size) {
  if (offset > size || count > size - offset) {
    return str("its ", what, " ends behind the buffer's ", size, " elements");
  }
  return "";
}

// What a rank has for another one: where, and how much of it.
struct Part {
  BufferKind buffer = BufferKind::input;
  std::uint64_t offset = 0;
  std::uint64_t count = 0;
};

std::uint64_t sum_before(const std::vector<std::uint64_t>& counts, Rank rank) {
  return std::accumulate(counts.begin(), counts.begin() + rank.value, std::uint64_t{0});
}

Part part_of(const Schedule& owner, Rank reader) {
  if (!owner.offers_parts) {
    return {};
  }
  const BufferKind in_place = owner.in_place ? BufferKind::output : BufferKind::input;
  switch (owner.kind) {
    case CollectiveKind::broadcast:
      return {in_place, 0, owner.rank == owner.root ? owner.element_count : 0};
    case CollectiveKind::allgather:
      return {in_place, owner.in_place ? sum_before(owner.counts, owner.rank) : 0,
              owner.counts[owner.rank.index()]};
    case CollectiveKind::alltoall:
      return {BufferKind::input, sum_before(owner.send_counts, reader),
              owner.send_counts[reader.index()]};
    default:
      return {};
  }
}

// Also for ops that have no such side at all; these must say none.
std::string side_fault(std::span<const Schedule> schedules, std::size_t rank, const Op& op,
                       bool is_dst) {
  const BufferKind buffer = is_dst ? op.dst : op.src;
  const std::uint64_t offset = is_dst ? op.dst_offset : op.src_offset;
  const char* side = is_dst ? "destination" : "source";
  const bool wanted = op.count > 0 && (is_dst ? has_dst(op.kind) : has_src(op.kind));
  if (!wanted) {
    return buffer == BufferKind::none && offset == 0 ? ""
                                                     : str("it has a ", side, " and should not");
  }
  if (buffer == BufferKind::none || buffer > BufferKind::peer_part) {
    return str("it has no ", side);
  }
  if (is_dst && (buffer == BufferKind::input || buffer == BufferKind::peer_input)) {
    return "it writes to the input";
  }
  if (buffer == BufferKind::peer_part && (is_dst || op.kind != OpKind::copy)) {
    return str("its ", side, " is what a peer has for this rank, which is only copied from");
  }
  if (is_of_a_peer(buffer) && is_edge_op(op.kind)) {
    return "a chunk comes from or goes to a slot buffer";
  }
  if (is_of_a_peer(buffer) && weighs(op.kind)) {
    return str("its ", side, " is not of this rank alone");
  }
  if (op.kind == OpKind::reduce_slots && is_of_a_peer(buffer) && buffer != BufferKind::slot) {
    return str("its ", side, " is a peer's, and it has none");
  }
  const Memory memory = memory_of(schedules, rank, op, buffer);
  if (is_dst && buffer == BufferKind::slot && memory.owner != rank) {
    return "it writes to the slots of another rank";
  }
  const std::uint64_t size = buffer == BufferKind::peer_part
                                 ? part_of(schedules[memory.owner], Rank{rank}).count
                                 : buffer_element_count(schedules[memory.owner], memory.buffer);
  return range_fault(side, offset, op.count, size);
}

std::string peer_fault(const Schedule& schedule, const Op& op) {
  const bool uses_peer_memory =
      op.kind != OpKind::reduce_slots && (is_of_a_peer(op.dst) || is_of_a_peer(op.src));
  if (!is_edge_op(op.kind) && op.kind != OpKind::wait && !uses_peer_memory) {
    return op.peer == -1 ? "" : "it names a peer and has none";
  }
  if (op.peer < 0 || op.peer >= schedule.rank_count) {
    return str("there is no rank ", op.peer);
  }
  if (op.peer == schedule.rank.value && (!uses_peer_memory || op.src == BufferKind::peer_part)) {
    return "it names its own rank as the peer";
  }
  if (!is_edge_op(op.kind) && !shares_slots(schedule, Rank{op.peer})) {
    return str("it shares no memory with rank ", op.peer);
  }
  return "";
}

std::string signal_fault(const Schedule& schedule, const Op& op) {
  if (op.count != 0) {
    return "a flag has no elements";
  }
  if (flag_of(op) >= kFlagCount) {
    return str("there is no flag ", flag_of(op), ", there are ", kFlagCount);
  }
  if (value_of(op) == 0) {
    return "flags count from 1";
  }
  return schedule.slot_ranks.empty() ? "it shares flags with nobody" : "";
}

std::string reduce_slots_fault(std::span<const Schedule> schedules, const Schedule& schedule,
                               const Op& op) {
  const bool from_inputs = (op.flags & kFromInputs) != 0;
  const bool to_outputs = (op.flags & kToOutputs) != 0;
  const bool to_slot = (op.flags & kToSlot) != 0;
  if (schedule.slot_ranks.empty()) {
    return "it shares slots with nobody";
  }
  if (op.count == 0) {
    return op.aux == 0 ? "" : "it names slots and has no elements";
  }
  if (to_slot && op.dst == BufferKind::slot) {
    return "its destination does not go with its flags";
  }
  if ((from_inputs && op.src != BufferKind::input) ||
      (to_outputs && op.dst != BufferKind::output)) {
    return "what it does with the others' tensors it does not do with its own";
  }
  if (from_inputs && !to_slot && op.aux != 0) {
    return "it names a place in the slots and uses none";
  }
  for (const Rank member : schedule.slot_ranks) {
    const Schedule& other = schedules[member.index()];
    const bool own = member == schedule.rank;
    std::string fault;
    if (own ? to_slot : !from_inputs) {
      fault = range_fault("slot", op.aux, op.count, other.slot_element_count);
    }
    if (fault.empty() && from_inputs) {
      fault = range_fault("peers' input", op.src_offset, op.count,
                          buffer_element_count(other, BufferKind::input));
    }
    if (fault.empty() && to_outputs) {
      fault = range_fault("peers' output", op.dst_offset, op.count,
                          buffer_element_count(other, BufferKind::output));
    }
    if (!fault.empty()) {
      return fault;
    }
  }
  return "";
}

// Adasum combines by dot and weigh, everything else never does.
std::string adasum_fault(const Schedule& schedule, const Op& op) {
  const bool adds = op.kind == OpKind::reduce || op.kind == OpKind::reduce_slots ||
                    (op.kind == OpKind::recv_reduce && !moves_products(op));
  if (schedule.weighs ? adds : weighs(op.kind)) {
    return "this collective does not combine so";
  }
  if (weighs(op.kind)) {
    return op.aux >= schedule.product_count
               ? str("there is no place ", op.aux, " for products, there are ",
                     schedule.product_count)
           : op.kind == OpKind::weigh && op.count == 0 ? "it weighs nothing"
                                                       : "";
  }
  if (!moves_products(op)) {
    return "";
  }
  const bool other_side = (has_dst(op.kind) && op.dst != BufferKind::products) ||
                          (has_src(op.kind) && op.src != BufferKind::products);
  if (!is_edge_op(op.kind) || other_side) {
    return "dot products go over an edge, from their places and to them";
  }
  return (op.flags & ~unsigned{kReverseOperands}) == 0 ? "" : "dot products are not scaled";
}

bool overlap_in_part(std::uint64_t a, std::uint64_t b, std::uint64_t count) {
  return a != b && (a > b ? a - b : b - a) < count;
}

std::string overlap_fault(std::span<const Schedule> schedules, std::size_t rank, const Op& op) {
  if (op.count == 0 || !has_dst(op.kind) || !has_src(op.kind)) {
    return "";
  }
  const Memory src = memory_of(schedules, rank, op, op.src);
  const bool same = memory_of(schedules, rank, op, op.dst) == src;
  const bool slot_too =
      op.kind == OpKind::reduce_slots && op.src == BufferKind::slot && (op.flags & kToSlot) != 0;
  // A reduce_slots reads the others' slots at aux and may not write its own where they read.
  return (same && overlap_in_part(op.dst_offset, op.src_offset, op.count)) ||
                 (slot_too && overlap_in_part(op.aux, op.src_offset, op.count))
             ? "its source and destination overlap in part"
             : "";
}

std::uint64_t sum_of(const std::vector<std::uint64_t>& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

std::uint64_t input_element_count(const Schedule& schedule) {
  const bool is_root = schedule.rank == schedule.root;
  switch (schedule.kind) {
    case CollectiveKind::allgather:
      return schedule.in_place ? 0 : schedule.counts[schedule.rank.index()];
    case CollectiveKind::gather:
      return schedule.counts[schedule.rank.index()];
    case CollectiveKind::alltoall:
      return sum_of(schedule.send_counts);
    case CollectiveKind::broadcast:
      return is_root || schedule.in_place ? schedule.element_count : 0;
    case CollectiveKind::scatter:
      return is_root ? schedule.element_count : 0;
    case CollectiveKind::recv:
      return 0;
    case CollectiveKind::allreduce:
    case CollectiveKind::barrier:
    case CollectiveKind::reduce:
    case CollectiveKind::reduce_scatter:
    case CollectiveKind::send:
      return schedule.element_count;
  }
  return 0;
}

std::uint64_t output_element_count(const Schedule& schedule) {
  const bool is_root = schedule.rank == schedule.root;
  switch (schedule.kind) {
    case CollectiveKind::reduce:
    case CollectiveKind::gather:
      return is_root ? schedule.element_count : 0;
    case CollectiveKind::reduce_scatter:
    case CollectiveKind::scatter:
      return schedule.counts[schedule.rank.index()];
    case CollectiveKind::send:
      return 0;
    case CollectiveKind::allreduce:
    case CollectiveKind::allgather:
    case CollectiveKind::broadcast:
    case CollectiveKind::barrier:
    case CollectiveKind::alltoall:
    case CollectiveKind::recv:
      return schedule.element_count;
  }
  return 0;
}

// A rank that keeps nothing of a reduce has no output that its input could be.
BufferKind storage_of(const Schedule& schedule, BufferKind buffer) {
  const bool has_output = schedule.kind != CollectiveKind::reduce || schedule.rank == schedule.root;
  return buffer == BufferKind::input && schedule.in_place && has_output ? BufferKind::output
                                                                        : buffer;
}

}  // namespace

std::uint64_t buffer_element_count(const Schedule& owner, BufferKind buffer) {
  switch (buffer) {
    case BufferKind::none:
      return 0;
    case BufferKind::input:
    case BufferKind::peer_input:
      return input_element_count(owner);
    case BufferKind::output:
    case BufferKind::peer_output:
      return output_element_count(owner);
    case BufferKind::scratch:
      return owner.scratch_element_count;
    case BufferKind::slot:
      return owner.slot_element_count;
    case BufferKind::products:
      return owner.product_count;
    case BufferKind::peer_part:
      return 0;  // of two ranks
  }
  return 0;
}

Memory input_of(std::span<const Schedule> schedules, std::size_t rank) {
  return {rank, storage_of(schedules[rank], BufferKind::input)};
}

Memory memory_of(std::span<const Schedule> schedules, std::size_t rank, const Op& op,
                 BufferKind buffer) {
  switch (buffer) {
    case BufferKind::input:
      return input_of(schedules, rank);
    case BufferKind::peer_input:
      return input_of(schedules, static_cast<std::size_t>(op.peer));
    case BufferKind::peer_output:
      return {static_cast<std::size_t>(op.peer), BufferKind::output};
    case BufferKind::peer_part: {
      const auto peer = static_cast<std::size_t>(op.peer);
      return {peer, part_of(schedules[peer], Rank{rank}).buffer};
    }
    case BufferKind::slot:
      return {op.kind == OpKind::reduce_slots ? rank : static_cast<std::size_t>(op.peer), buffer};
    case BufferKind::none:
    case BufferKind::output:
    case BufferKind::scratch:
    case BufferKind::products:
      return {rank, buffer};
  }
  return {rank, buffer};
}

std::uint64_t memory_begin(std::span<const Schedule> schedules, std::size_t rank, const Op& op,
                           BufferKind buffer) {
  return buffer == BufferKind::peer_part
             ? part_of(schedules[static_cast<std::size_t>(op.peer)], Rank{rank}).offset
             : 0;
}

std::string op_fault(std::span<const Schedule> schedules, std::size_t rank, const Op& op) {
  const Schedule& schedule = schedules[rank];
  if (op.kind > OpKind::weigh) {
    return "there is no such op";
  }
  if ((op.flags & ~allowed_flags(schedule, op.kind)) != 0) {
    return "it has a flag that this op, or this collective, does not have";
  }
  if (std::string fault = peer_fault(schedule, op); !fault.empty()) {
    return fault;
  }
  for (const bool is_dst : {true, false}) {
    if (std::string fault = side_fault(schedules, rank, op, is_dst); !fault.empty()) {
      return fault;
    }
  }
  if (is_edge_op(op.kind) && op.count > schedule.chunk_element_count) {
    return str("it moves more than a chunk of ", schedule.chunk_element_count, " elements");
  }
  if (is_signal(op.kind)) {
    return signal_fault(schedule, op);
  }
  if (op.kind == OpKind::reduce_slots) {
    if (std::string fault = reduce_slots_fault(schedules, schedule, op); !fault.empty()) {
      return fault;
    }
  } else if (op.aux != 0 && !weighs(op.kind)) {
    return "it names a flag and has none";
  }
  if (std::string fault = adasum_fault(schedule, op); !fault.empty()) {
    return fault;
  }
  return overlap_fault(schedules, rank, op);
}

}  // namespace hvd
