#include "backends/engine/execution.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

#include "collectives/kernels/reduce.h"
#include "collectives/kernels/scale.h"
#include "core/base/check.h"

namespace hvd {
namespace {

bool aliases(const WorkSegment& segment) {
  return segment.element_count > 0 && segment.input == segment.output;
}

// The lists are of writable memory; an input is only ever read through them.
std::byte* as_piece(const std::byte* memory) { return const_cast<std::byte*>(memory); }

}  // namespace

bool runs_in_place(const WorkItem& item) {
  return item.kind != CollectiveKind::allgather &&
         std::any_of(item.segments.begin(), item.segments.end(), aliases);
}

void Execution::begin(WorkItem item, Rank rank, Result<std::shared_ptr<const Schedule>> schedule) {
  item_ = std::move(item);
  next_op_ = 0;
  failure_ = schedule.status();
  if (!failure_.ok()) {
    return;
  }
  schedule_ = std::move(schedule).value();
  element_bytes_ = dtype_bytes(item_.dtype);
  scratch_.resize(std::max(scratch_.size(), schedule_->scratch_element_count * element_bytes_));
  build_lists(rank);
}

void Execution::build_lists(Rank rank) {
  input_.clear(element_bytes_);
  output_.clear(element_bytes_);
  if (item_.kind == CollectiveKind::allgather) {
    const WorkSegment& segment = item_.segments.front();
    input_.append(as_piece(segment.input), item_.counts[rank.index()]);
    output_.append(segment.output,
                   std::accumulate(item_.counts.begin(), item_.counts.end(), std::size_t{0}));
    return;
  }
  const bool in_place = runs_in_place(item_);
  for (const WorkSegment& segment : item_.segments) {
    if (in_place && !aliases(segment) && segment.element_count > 0) {
      std::memcpy(segment.output, segment.input, segment.element_count * element_bytes_);
    }
    input_.append(in_place ? segment.output : as_piece(segment.input), segment.element_count);
    output_.append(segment.output, segment.element_count);
  }
}

Execution::State Execution::run(Edges& edges, int& budget) {
  if (!failure_.ok()) {
    return State::failed;
  }
  for (; next_op_ < schedule_->ops.size(); ++next_op_, --budget) {
    if (budget == 0) {
      return State::moving;
    }
    const State state = step(schedule_->ops[next_op_], edges);
    if (state != State::moving) {
      return state;
    }
  }
  return State::done;
}

bool Execution::ready(Edges& edges) const {
  if (!failure_.ok() || next_op_ >= schedule_->ops.size()) {
    return true;
  }
  const Op& op = schedule_->ops[next_op_];
  const Rank peer{op.peer};
  Transport& transport = edges.transport();
  switch (op.kind) {
    case OpKind::send:
      return !edges.begin(peer).empty() || !transport.health(peer).ok();
    case OpKind::recv:
    case OpKind::recv_reduce:
      return edges.peek(peer).has_value() || !transport.health(peer).ok();
    default:
      return true;
  }
}

Execution::State Execution::step(const Op& op, Edges& edges) {
  switch (op.kind) {
    case OpKind::send:
      return send(op, edges);
    case OpKind::recv:
    case OpKind::recv_reduce:
      return receive(op, edges);
    case OpKind::copy:
    case OpKind::reduce:
      run_local(op);
      return State::moving;
    case OpKind::post:
    case OpKind::wait:
    case OpKind::wait_all:
    case OpKind::reduce_slots:
      break;
  }
  failure_ = error(StatusCode::unsupported, collective_name(item_.kind), " '", item_.label,
                   "': its schedule uses flags, which ", edges.transport().description(),
                   " does not have");
  return State::failed;
}

Execution::State Execution::send(const Op& op, Edges& edges) {
  const Rank peer{op.peer};
  const std::span<std::byte> slot = edges.begin(peer);
  if (slot.empty()) {
    return waiting_for(peer, edges);
  }
  const std::size_t bytes = op.count * element_bytes_;
  HVD_CHECK(bytes <= slot.size());  // pair: NativeDataPlane::schedule_for limits the chunk
  if (op.count > 0) {
    move(op, contiguous(slot.data()), cursor(op.src, op.src_offset, op.count));
  }
  edges.commit(peer, bytes, item_.id);
  return State::moving;
}

Execution::State Execution::receive(const Op& op, Edges& edges) {
  const Rank peer{op.peer};
  const std::optional<IncomingChunk> chunk = edges.peek(peer);
  if (!chunk.has_value()) {
    return waiting_for(peer, edges);
  }
  failure_ = judge(*chunk, op, edges);
  if (!failure_.ok()) {
    return State::failed;
  }
  if (op.count > 0) {
    const PieceCursor dst = cursor(op.dst, op.dst_offset, op.count);
    const PieceCursor incoming = contiguous(chunk->data.data());
    if (op.kind == OpKind::recv) {
      move(op, dst, incoming);
    } else {
      combine(op, dst, cursor(op.src, op.src_offset, op.count), incoming);
    }
  }
  edges.release(peer);
  return State::moving;
}

void Execution::run_local(const Op& op) {
  if (op.count == 0) {
    return;
  }
  const PieceCursor dst = cursor(op.dst, op.dst_offset, op.count);
  const PieceCursor src = cursor(op.src, op.src_offset, op.count);
  if (op.kind == OpKind::copy) {
    move(op, dst, src);
  } else {
    combine(op, dst, dst, src);
  }
}

// An edge that gives nothing: the peer is not there yet, or what it wrote cannot be.
Execution::State Execution::waiting_for(Rank peer, const Edges& edges) {
  failure_ = edges.transport().health(peer);
  return failure_.ok() ? State::blocked : State::failed;
}

Status Execution::judge(const IncomingChunk& chunk, const Op& op, const Edges& edges) const {
  const Rank peer{op.peer};
  const ChunkHeader expected{.sequence = edges.expected_sequence(peer),
                             .byte_count = op.count * element_bytes_,
                             .work_id = item_.id};
  if (chunk.header == expected && chunk.data.size() == expected.byte_count) {
    return ok_status();
  }
  return error(StatusCode::aborted, "a chunk from rank ", peer,
               " does not fit: ", collective_name(item_.kind), " '", item_.label, "' on rank ",
               schedule_->rank, " expects chunk ", expected.sequence, " of this edge with ",
               expected.byte_count, " bytes of work item ", expected.work_id, ", found chunk ",
               chunk.header.sequence, " with ", chunk.header.byte_count, " bytes of work item ",
               chunk.header.work_id, ". rank ", peer,
               " runs another version of hvd, or its memory is damaged")
      .blame_rank(peer.value);
}

PieceCursor Execution::contiguous(const std::byte* memory) const {
  return PieceCursor(as_piece(memory), element_bytes_);
}

PieceCursor Execution::cursor(BufferKind buffer, std::uint64_t offset, std::uint64_t count) const {
  switch (buffer) {
    case BufferKind::input:
      return input_.at(offset, count);
    case BufferKind::output:
      return output_.at(offset, count);
    case BufferKind::scratch:
      HVD_CHECK((offset + count) * element_bytes_ <= scratch_.size());
      return contiguous(scratch_.data() + offset * element_bytes_);
    case BufferKind::slot:
    case BufferKind::none:
    case BufferKind::peer_input:
    case BufferKind::peer_output:
      break;
  }
  HVD_CHECK(!"an op with elements names a buffer of its own rank");
  return contiguous(nullptr);
}

void Execution::move(const Op& op, PieceCursor dst, PieceCursor src) const {
  walk_pieces(
      op.count,
      [&](std::byte* to, const std::byte* from, std::size_t count) {
        if (!scale_pieces(op, to, from, count) && to != from) {
          std::memcpy(to, from, count * element_bytes_);
        }
      },
      dst, src);
}

void Execution::combine(const Op& op, PieceCursor dst, PieceCursor local,
                        PieceCursor incoming) const {
  const bool reverse = (op.flags & kReverseOperands) != 0;
  walk_pieces(
      op.count,
      [&](std::byte* to, const std::byte* mine, const std::byte* theirs, std::size_t count) {
        reduce(to, reverse ? theirs : mine, reverse ? mine : theirs, count, item_.dtype, item_.op);
        scale_pieces(op, to, to, count);
      },
      dst, local, incoming);
}

bool Execution::scale_pieces(const Op& op, std::byte* to, const std::byte* from,
                             std::size_t count) const {
  if ((op.flags & kScalePre) != 0) {
    scale(to, from, item_.prescale, count, item_.dtype);
    from = to;
  }
  if ((op.flags & kScalePost) != 0) {
    scale(to, from, item_.postscale, count, item_.dtype);
  }
  return (op.flags & (kScalePre | kScalePost)) != 0;
}

}  // namespace hvd
