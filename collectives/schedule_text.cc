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
    case BufferKind::slot:
      return str("slot", owner, range);
    case BufferKind::peer_input:
      return str("in", owner, range);
    case BufferKind::peer_output:
      return str("out", owner, range);
  }
  return str("buffer ", static_cast<int>(buffer), range);
}

std::string flags_text(std::uint8_t flags) {
  return str((flags & kScalePre) != 0 ? " *pre" : "", (flags & kScalePost) != 0 ? " *post" : "",
             (flags & kNarrow) != 0 ? " narrow" : "", (flags & kStream) != 0 ? " stream" : "");
}

std::string sum_text(const Op& op, const std::string& ours, const std::string& theirs) {
  return (op.flags & kReverseOperands) != 0 ? str(theirs, " + ", ours) : str(ours, " + ", theirs);
}

std::string slots_sum_text(const Op& op, const std::string& dst, const std::string& src) {
  const std::string slots = place_text(BufferKind::slot, -1, op.aux, op.count).substr(6);
  return str(dst, (op.flags & kToSlot) != 0 ? str(", slot", slots) : "",
             (op.flags & kToOutputs) != 0 ? ", outputs" : "", " = ", src, " + all ",
             (op.flags & kFromInputs) != 0 ? "inputs" : str("slots", slots));
}

void write_header(std::ostream& out, const Schedule& schedule) {
  out << collective_name(schedule.kind) << " p " << schedule.rank_count << " n "
      << schedule.element_count << " chunk " << schedule.chunk_element_count;
  if (has_root(schedule.kind)) {
    out << " root " << schedule.root;
  }
  if (has_counts(schedule.kind)) {
    out << " counts";
    for (const std::uint64_t count : schedule.counts) {
      out << " " << count;
    }
  }
  out << (schedule.in_place ? " in place" : "") << (schedule.prescale ? " prescale" : "")
      << (schedule.postscale ? " postscale" : "") << "\n";
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
  }
  return "unknown";
}

std::string op_text(const Op& op) {
  const std::string dst = place_text(op.dst, op.peer, op.dst_offset, op.count);
  const std::string src = place_text(op.src, op.peer, op.src_offset, op.count);
  const std::string flags = flags_text(op.flags);
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
    write_ops(out, schedule);
  }
  return std::move(out).str();
}

}  // namespace hvd
