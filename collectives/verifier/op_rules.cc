#include "collectives/verifier/op_rules.h"

#include <limits>

#include "collectives/schedule_text.h"
#include "core/base/str.h"

namespace hvd {
namespace {

unsigned allowed_flags(const Schedule& schedule, OpKind kind) {
  const unsigned pre = schedule.prescale ? unsigned{kScalePre} : 0U;
  const unsigned post = schedule.postscale ? unsigned{kScalePost} : 0U;
  switch (kind) {
    case OpKind::copy:
      return pre | post;
    case OpKind::reduce:
    case OpKind::recv_reduce:
      return kReverseOperands | post;
    case OpKind::recv:
      return post;
    case OpKind::send:
    case OpKind::post:
    case OpKind::wait:
    case OpKind::wait_all:
    case OpKind::reduce_slots:
      return 0;
  }
  return 0;
}

bool is_edge_op(OpKind kind) {
  return kind == OpKind::send || kind == OpKind::recv || kind == OpKind::recv_reduce;
}
bool has_dst(OpKind kind) {
  return kind != OpKind::send && kind != OpKind::post && kind != OpKind::wait;
}
bool has_src(OpKind kind) {
  return kind == OpKind::copy || kind == OpKind::reduce || kind == OpKind::send ||
         kind == OpKind::recv_reduce;
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
  if (buffer == BufferKind::none || buffer > BufferKind::slot) {
    return str("it has no ", side);
  }
  if (is_dst && buffer == BufferKind::input) {
    return "it writes to the input";
  }
  if (buffer == BufferKind::slot && is_edge_op(op.kind)) {
    return "a chunk comes from or goes to a slot buffer";
  }
  const std::size_t owner = buffer == BufferKind::slot ? static_cast<std::size_t>(op.peer) : rank;
  const std::uint64_t size = buffer_element_count(schedules[owner], buffer);
  if (offset > size || op.count > size - offset) {
    return str("its ", side, " ends behind the buffer's ", size, " elements");
  }
  return "";
}

std::string peer_fault(const Schedule& schedule, const Op& op) {
  const bool uses_slot = op.dst == BufferKind::slot || op.src == BufferKind::slot;
  const bool wants_peer = is_edge_op(op.kind) || op.kind == OpKind::wait || uses_slot;
  if (!wants_peer) {
    return op.peer == -1 ? "" : "it names a peer and has none";
  }
  if (op.peer < 0 || op.peer >= schedule.rank_count) {
    return str("there is no rank ", op.peer);
  }
  if (op.peer == schedule.rank.value && !uses_slot) {
    return "it names its own rank as the peer";
  }
  return "";
}

std::string overlap_fault(const Schedule& schedule, const Op& op) {
  const bool same_memory = has_dst(op.kind) && has_src(op.kind) &&
                           storage_of(schedule, op.dst) == storage_of(schedule, op.src) &&
                           op.count > 0;
  if (!same_memory || op.dst_offset == op.src_offset) {
    return "";
  }
  const std::uint64_t distance =
      op.dst_offset > op.src_offset ? op.dst_offset - op.src_offset : op.src_offset - op.dst_offset;
  return distance < op.count ? "its source and destination overlap in part" : "";
}

bool fits_the_collective(const Schedule& schedule) {
  const bool gathers = schedule.kind == CollectiveKind::allgather;
  if (gathers != !schedule.counts.empty()) {
    return false;
  }
  std::uint64_t sum = 0;
  for (const std::uint64_t count : schedule.counts) {
    if (count > std::numeric_limits<std::uint64_t>::max() - sum) {
      return false;
    }
    sum += count;
  }
  const bool scales = schedule.prescale || schedule.postscale;
  return (!gathers || (sum == schedule.element_count &&
                       schedule.counts.size() == static_cast<std::size_t>(schedule.rank_count))) &&
         (schedule.kind != CollectiveKind::barrier || schedule.element_count == 0) &&
         (schedule.kind == CollectiveKind::allreduce || !scales);
}

}  // namespace

std::uint64_t buffer_element_count(const Schedule& owner, BufferKind buffer) {
  switch (buffer) {
    case BufferKind::none:
      return 0;
    case BufferKind::input:
      if (owner.kind == CollectiveKind::allgather) {
        return owner.in_place ? 0 : owner.counts[owner.rank.index()];
      }
      return owner.element_count;
    case BufferKind::output:
      return owner.element_count;
    case BufferKind::scratch:
      return owner.scratch_element_count;
    case BufferKind::slot:
      return owner.slot_element_count;
    case BufferKind::peer_input:
    case BufferKind::peer_output:
      return 0;  // only of schedules for the arena
  }
  return 0;
}

BufferKind storage_of(const Schedule& schedule, BufferKind buffer) {
  return schedule.in_place && buffer == BufferKind::input ? BufferKind::output : buffer;
}

std::string collective_fault(std::span<const Schedule> schedules, std::size_t rank) {
  const Schedule& first = schedules.front();
  const Schedule& schedule = schedules[rank];
  if (schedule.rank.value != static_cast<int>(rank) ||
      schedule.rank_count != static_cast<int>(schedules.size())) {
    return str("schedule ", rank, " of ", schedules.size(), " says that it is rank ", schedule.rank,
               " of ", schedule.rank_count);
  }
  if (!valid_collective(static_cast<int>(schedule.kind)) || schedule.kind != first.kind ||
      schedule.root != first.root || schedule.element_count != first.element_count ||
      schedule.counts != first.counts ||
      schedule.chunk_element_count != first.chunk_element_count ||
      schedule.prescale != first.prescale || schedule.postscale != first.postscale) {
    return str("it is about another collective than rank 0's, or has other parameters");
  }
  if (schedule.root.value < 0 || schedule.root.value >= schedule.rank_count) {
    return str("its root is rank ", schedule.root);
  }
  return fits_the_collective(schedule) ? "" : "its parameters contradict one another";
}

std::string op_fault(std::span<const Schedule> schedules, std::size_t rank, const Op& op) {
  const Schedule& schedule = schedules[rank];
  if (op.kind > OpKind::wait) {
    return "there is no such op";
  }
  if ((op.flags & ~allowed_flags(schedule, op.kind)) != 0) {
    return "it has a flag that this op, or this collective, does not have";
  }
  if (const std::string fault = peer_fault(schedule, op); !fault.empty()) {
    return fault;
  }
  for (const bool is_dst : {true, false}) {
    if (const std::string fault = side_fault(schedules, rank, op, is_dst); !fault.empty()) {
      return fault;
    }
  }
  if (is_edge_op(op.kind) && op.count > schedule.chunk_element_count) {
    return str("it moves more than a chunk of ", schedule.chunk_element_count, " elements");
  }
  const bool is_signal = op.kind == OpKind::post || op.kind == OpKind::wait;
  if (is_signal && op.count != 0) {
    return "a flag has no elements";
  }
  if (!is_signal && op.aux != 0) {
    return "it names a flag and has none";
  }
  return overlap_fault(schedule, op);
}

}  // namespace hvd
