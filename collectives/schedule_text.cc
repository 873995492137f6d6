#include "collectives/schedule_text.h"

#include <iomanip>
#include <sstream>

#include "core/base/str.h"

namespace hvd {
namespace {

std::string place_text(BufferKind buffer, int owner, std::uint64_t offset, std::uint64_t count) {
  const std::string range = str("[", offset, ":", offset + count, "]");
  switch (buffer) {
    case BufferKind::none:
      return count == 0 ? "nothing" : str("none", range);
    case BufferKind::input:
      return str("in", range);
    case BufferKind::output:
      return str("out", range);
    case BufferKind::scratch:
      return str("scratch", range);
    case BufferKind::slot:  // a reduction of slots names no owner: its own
      return owner < 0 ? str("slot", range) : str("slot", owner, range);
    case BufferKind::peer_input:
      return str("in", owner, range);
    case BufferKind::peer_output:
      return str("out", owner, range);
    case BufferKind::products:
      return str("products", range);
    case BufferKind::peer_part:
      return str("part", owner, range);
  }
  return str("buffer ", static_cast<int>(buffer), range);
}

unsigned flags_in_words(OpKind kind) {
  const bool has_order = kind == OpKind::reduce || kind == OpKind::recv_reduce ||
                         kind == OpKind::dot || kind == OpKind::weigh;
  const unsigned combines = has_order ? unsigned{kReverseOperands} : 0U;
  const unsigned on_slots = kind == OpKind::reduce_slots ? kToSlot | kFromInputs | kToOutputs : 0U;
  return kScalePre | kScalePost | kNarrow | kStream | combines | on_slots;
}

// A flag that the op cannot have is a number: what is wrong must show too.
std::string flags_text(const Op& op) {
  const unsigned others = op.flags & ~flags_in_words(op.kind);
  return str((op.flags & kScalePre) != 0 ? " *pre" : "",
             (op.flags & kScalePost) != 0 ? " *post" : "",
             (op.flags & kNarrow) != 0 ? " narrow" : "", (op.flags & kStream) != 0 ? " stream" : "",
             others != 0 ? str(" flags ", others) : std::string());
}

std::string sum_text(const Op& op, const std::string& ours, const std::string& theirs) {
  return (op.flags & kReverseOperands) != 0 ? str(theirs, " + ", ours) : str(ours, " + ", theirs);
}

std::string operands_text(const Op& op, const std::string& dst, const std::string& src) {
  return (op.flags & kReverseOperands) != 0 ? str(src, ", ", dst) : str(dst, ", ", src);
}

std::string slots_sum_text(const Op& op, const std::string& dst, const std::string& src) {
  const std::string slots = place_text(BufferKind::slot, -1, op.aux, op.count);
  return str(dst, (op.flags & kToSlot) != 0 ? str(", ", slots) : std::string(),
             (op.flags & kToOutputs) != 0 ? ", all outputs" : "", " = ", src, " + all ",
             (op.flags & kFromInputs) != 0 ? "inputs" : slots);
}

void write_list(std::ostream& out, const char* name, const std::vector<std::uint64_t>& counts) {
  out << " " << name;
  for (const std::uint64_t count : counts) {
    out << " " << count;
  }
}

// What may differ from rank to rank.
std::string rank_text(const Schedule& schedule) {
  std::ostringstream out;
  if (has_counts(schedule.kind)) {
    write_list(out, "counts", schedule.counts);
  }
  if (schedule.kind == CollectiveKind::alltoall) {
    write_list(out, "sends", schedule.send_counts);
  }
  if (schedule.scratch_element_count > 0) {
    out << " scratch " << schedule.scratch_element_count;
  }
  if (schedule.weighs) {
    out << " products " << schedule.product_count;
  }
  if (schedule.offers_parts) {
    out << " offers parts";
  }
  if (!schedule.slot_ranks.empty()) {
    out << " slots " << schedule.slot_element_count << " of";
    for (const Rank rank : schedule.slot_ranks) {
      out << " " << rank;
    }
  }
  out << (schedule.in_place ? " in place" : "");
  return std::move(out).str();
}

void write_header(std::ostream& out, const Schedule& schedule) {
  out << collective_name(schedule.kind) << " p " << schedule.rank_count << " n "
      << schedule.element_count << " chunk " << schedule.chunk_element_count;
  if (has_root(schedule.kind)) {
    out << " root " << schedule.root;
  }
  out << (schedule.prescale ? " prescale" : "") << (schedule.postscale ? " postscale" : "")
      << (schedule.narrow ? " narrow" : "") << rank_text(schedule) << "\n";
}

void write_ops(std::ostream& out, const Schedule& schedule) {
  for (std::size_t i = 0; i < schedule.ops.size(); ++i) {
    out << "r" << schedule.rank << " " << std::setw(3) << i << "  " << op_text(schedule.ops[i])
        << "\n";
  }
}

}  // namespace

std::string_view op_kind_name(OpKind kind) {
  switch (kind) {
    case OpKind::copy:
      return "copy";
    case OpKind::reduce:
      return "reduce";
    case OpKind::send:
      return "send";
    case OpKind::recv:
      return "recv";
    case OpKind::recv_reduce:
      return "recv_reduce";
    case OpKind::post:
      return "post";
    case OpKind::wait:
      return "wait";
    case OpKind::wait_all:
      return "wait_all";
    case OpKind::reduce_slots:
      return "reduce_slots";
    case OpKind::dot:
      return "dot";
    case OpKind::weigh:
      return "weigh";
  }
  return "unknown";
}

std::string op_text(const Op& op) {
  const std::string dst = place_text(op.dst, op.peer, op.dst_offset, op.count);
  const std::string src = place_text(op.src, op.peer, op.src_offset, op.count);
  const std::string flags = flags_text(op);
  switch (op.kind) {
    case OpKind::copy:
      return str("copy ", dst, " = ", src, flags);
    case OpKind::reduce:
      return str("reduce ", dst, " = ", sum_text(op, dst, src), flags);
    case OpKind::send:
      return str("send >", op.peer, " ", src, flags);
    case OpKind::recv:
      return str("recv <", op.peer, " ", dst, flags);
    case OpKind::recv_reduce:
      return str("recv_reduce ", dst, " = ", sum_text(op, src, str("<", op.peer)), flags);
    case OpKind::post:
      return str("post f", flag_of(op), " ", value_of(op), flags);
    case OpKind::wait:
      return str("wait <", op.peer, " f", flag_of(op), " ", value_of(op), flags);
    case OpKind::wait_all:
      return str("wait_all f", flag_of(op), " ", value_of(op), flags);
    case OpKind::reduce_slots:
      return str("reduce_slots ", slots_sum_text(op, dst, src), flags);
    case OpKind::dot:
      return str("dot p", op.aux, " = ", operands_text(op, dst, src), flags);
    case OpKind::weigh:
      return str("weigh ", dst, " = ", operands_text(op, dst, src), " by p", op.aux, flags);
  }
  return str("unknown op ", static_cast<int>(op.kind));
}

std::string schedule_text(const Schedule& schedule) {
  std::ostringstream out;
  write_header(out, schedule);
  write_ops(out, schedule);
  return std::move(out).str();
}

std::string schedules_text(std::span<const Schedule> schedules) {
  std::ostringstream out;
  if (!schedules.empty()) {
    write_header(out, schedules.front());
  }
  for (const Schedule& schedule : schedules) {
    const std::string about = rank_text(schedule);
    if (schedule.kind != schedules.front().kind || about != rank_text(schedules.front())) {
      out << "r" << schedule.rank << "      " << collective_name(schedule.kind) << " n "
          << schedule.element_count << about << "\n";
    }
    write_ops(out, schedule);
  }
  return std::move(out).str();
}

}  // namespace hvd
