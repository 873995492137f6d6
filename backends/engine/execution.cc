#include "backends/engine/execution.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

#include "core/base/check.h"

namespace hvd {
namespace {

// Smaller chunks are copied in less time than the kernel takes to gather them.
constexpr std::size_t kInPlaceBytesMin = std::size_t{16} << 10;
constexpr std::size_t kPiecesMax = 8;
constexpr unsigned kChangingFlags = kScalePre | kScalePost | kNarrow;

// What is left is cut in equal parts rather than into whole slices and a rest of a few elements; at
// whole lines.
std::size_t slice_of(std::size_t left, std::size_t slice) {
  constexpr std::size_t kLineElements = 64;
  if (left <= slice) {
    return left;
  }
  const std::size_t part_count = (left + slice - 1) / slice;
  const std::size_t part = (left + part_count - 1) / part_count;
  return std::min(left, (part + kLineElements - 1) / kLineElements * kLineElements);
}

}  // namespace

void Execution::begin(WorkItem item, Result<std::shared_ptr<const PlacedSchedule>> schedule,
                      unsigned bank, LaneWires& wires) {
  item_ = std::move(item);
  next_op_ = 0;
  op_elements_done_ = 0;
  sharers_seen_ = 0;
  places_told_ = false;
  tensors_found_ = false;
  awaited_.reset();
  placed_.reset();
  failure_ = schedule.status();
  if (!failure_.ok()) {
    return;
  }
  placed_ = std::move(schedule).value();
  failure_ = memory_.bind(item_, placed_->schedule, placed_->wire);
  if (!failure_.ok()) {
    return;
  }
  if (!placed_->sharers.empty()) {
    wires.slots.begin(item_.id, bank, placed_->sharers);
  }
}

Execution::State Execution::run(LaneWires& wires, int& budget) {
  awaited_.reset();
  if (!failure_.ok()) {
    return State::failed;
  }
  if (has_places_to_tell()) {
    if (const State state = tell_places(wires); state != State::done) {
      return state;
    }
  }
  const std::vector<Op>& ops = schedule().ops;
  while (next_op_ < ops.size()) {
    if (budget <= 0) {
      return State::moving;
    }
    step_cost_ = 1;
    const State state = step(ops[next_op_], wires);
    if (state == State::done) {
      ++next_op_;
      op_elements_done_ = 0;
      sharers_seen_ = 0;
    } else if (state != State::moving) {
      return state;
    }
    budget -= step_cost_;
  }
  if (!placed_->sharers.empty()) {
    wires.slots.end();
  }
  return State::done;
}

bool Execution::ready(LaneWires& wires) const {
  if (!failure_.ok() || next_op_ >= schedule().ops.size()) {
    return true;
  }
  const Op& op = schedule().ops[next_op_];
  const auto lost = [&](Rank peer) { return !wires.edges.transport().health(peer).ok(); };
  if (has_places_to_tell()) {
    return wires.slots.open_bank() || lost(wires.slots.bank_reader());
  }
  switch (op.kind) {
    case OpKind::send:
      return !wires.edges.begin(world(op.peer)).empty() || lost(world(op.peer));
    case OpKind::recv:
    case OpKind::recv_reduce:
      return wires.edges.peek(world(op.peer)).has_value() || lost(world(op.peer));
    case OpKind::wait:
      return wires.slots.has_reached(world(op.peer), flag_of(op), value_of(op)) ||
             lost(world(op.peer));
    case OpKind::wait_all: {
      const Rank peer = placed_->sharers[sharers_seen_];
      return peer == world(schedule().rank.value) ||
             wires.slots.has_reached(peer, flag_of(op), value_of(op)) || lost(peer);
    }
    default:
      if (op.src == BufferKind::peer_part) {
        return part_stands(op, wires) || lost(world(op.peer));
      }
      return !writes_slot(op) || wires.slots.open_bank() || lost(wires.slots.bank_reader());
  }
}

std::vector<Rank> Execution::holders(const LaneWires& wires) const {
  std::vector<Rank> ranks;
  if (placed_ == nullptr || !placed_->reaches_tensors || !places_told_) {  // reads harm nobody
    return ranks;
  }
  const Rank self = world(schedule().rank.value);
  for (const Rank peer : placed_->sharers) {
    if (peer != self && !wires.slots.has_let_go(peer) && !wires.edges.transport().gone(peer)) {
      ranks.push_back(peer);
    }
  }
  return ranks;
}

Execution::State Execution::tell_places(LaneWires& wires) {
  const Rank self = world(schedule().rank.value);
  if (!wires.slots.open_bank()) {
    return waiting_for(wires.slots.bank_reader(), wires.edges);
  }
  failure_ =
      schedule().offers_parts
          ? tell_parts(item_, schedule(), wires.slots.slots_of(self), wires.slots.bank_bytes())
          : hvd::tell_places(item_, *wires.edges.transport().arena_map(), self,
                             wires.slots.slots_of(self), wires.slots.bank_bytes());
  places_told_ = failure_.ok();
  return places_told_ ? State::done : State::failed;
}

// Once the first wait for all is over: their flags say that their places are told.
Status Execution::find_tensors(LaneWires& wires) {
  tensors_found_ = true;
  peers_.resize(std::max(peers_.size(), placed_->sharers.size()));
  const Rank self = world(schedule().rank.value);
  for (std::size_t i = 0; i < placed_->sharers.size(); ++i) {
    const Rank peer = placed_->sharers[i];
    if (peer != self) {
      HVD_TRY(peers_[i].read(item_, *wires.edges.transport().arena_map(), peer,
                             wires.slots.slots_of(peer)));
    }
  }
  return ok_status();
}

Execution::State Execution::step(const Op& op, LaneWires& wires) {
  switch (op.kind) {
    case OpKind::send:
      return send(op, wires.edges);
    case OpKind::recv:
    case OpKind::recv_reduce:
      return receive(op, wires.edges);
    case OpKind::post:
      wires.slots.post(flag_of(op), value_of(op));
      return State::done;
    case OpKind::wait:
      return wait_for_flag(op, wires, world(op.peer));
    case OpKind::wait_all:
      return wait_for_all(op, wires);
    case OpKind::copy:
      return op.src == BufferKind::peer_part ? read_part(op, wires) : run_local(op, wires);
    case OpKind::reduce:
    case OpKind::reduce_slots:
    case OpKind::dot:
    case OpKind::weigh:
      return run_local(op, wires);
  }
  HVD_CHECK(false);
}

Execution::State Execution::wait_for_flag(const Op& op, LaneWires& wires, Rank peer) {
  return wires.slots.has_reached(peer, flag_of(op), value_of(op)) ? State::done
                                                                  : waiting_for(peer, wires.edges);
}

Execution::State Execution::wait_for_all(const Op& op, LaneWires& wires) {
  const Rank self = world(schedule().rank.value);
  for (; sharers_seen_ < placed_->sharers.size(); ++sharers_seen_) {
    const Rank peer = placed_->sharers[sharers_seen_];
    if (peer != self && !wires.slots.has_reached(peer, flag_of(op), value_of(op))) {
      return waiting_for(peer, wires.edges);
    }
  }
  if (placed_->reaches_tensors && !tensors_found_) {
    failure_ = find_tensors(wires);
    return failure_.ok() ? State::done : State::failed;
  }
  return State::done;
}

Execution::State Execution::send(const Op& op, Edges& edges) {
  if (op.src == BufferKind::products) {
    return send_products(op, edges);
  }
  const Rank peer = world(op.peer);
  const std::size_t bytes = memory_.chunk_bytes(op.count, op.flags);
  if (send_in_place(op, peer, bytes, edges)) {
    step_cost_ += static_cast<int>(bytes / kBudgetBytes);
    return State::done;
  }
  const std::span<std::byte> slot = edges.begin(peer);
  if (slot.empty()) {
    return waiting_for(peer, edges);
  }
  HVD_CHECK(bytes <= slot.size());  // pair: NativeDataPlane::schedule_for limits the chunk
  if (op.count > 0) {
    memory_.to_chunk(slot.data(), memory_.at(op.src, op.src_offset, op.count), op.count, op.flags);
  }
  edges.commit(peer, bytes, item_.id);
  step_cost_ += static_cast<int>(bytes / kBudgetBytes);
  return State::done;
}

// Without a copy to a slot, where nothing has to be changed on the way and the wire can.
bool Execution::send_in_place(const Op& op, Rank peer, std::size_t bytes, Edges& edges) {
  if (bytes < kInPlaceBytesMin || (op.flags & kChangingFlags) != 0) {
    return false;
  }
  std::array<std::span<const std::byte>, kPiecesMax> pieces;
  std::size_t count = 0;
  walk_pieces(
      op.count,
      [&](const std::byte* data, std::size_t n) {
        if (count < pieces.size()) {
          pieces[count] = {data, n * memory_.element_bytes()};
        }
        ++count;
      },
      memory_.at(op.src, op.src_offset, op.count));
  return count <= pieces.size() &&
         edges.send_from(peer, std::span(pieces).first(count), bytes, item_.id);
}

Execution::State Execution::send_products(const Op& op, Edges& edges) {
  const Rank peer = world(op.peer);
  const std::span<std::byte> slot = edges.begin(peer);
  if (slot.empty()) {
    return waiting_for(peer, edges);
  }
  const std::size_t bytes = op.count * sizeof(AdasumProducts);
  HVD_CHECK(bytes <= slot.size());  // pair: NativeDataPlane::fits_the_wires
  for (std::uint64_t i = 0; i < op.count; ++i) {
    std::memcpy(slot.data() + i * sizeof(AdasumProducts), &memory_.products(op.src_offset + i),
                sizeof(AdasumProducts));
  }
  edges.commit(peer, bytes, item_.id);
  return State::done;
}

void Execution::take_products(const Op& op, const IncomingChunk& chunk) {
  for (std::uint64_t i = 0; i < op.count; ++i) {
    AdasumProducts theirs;
    std::memcpy(&theirs, chunk.data.data() + i * sizeof(theirs), sizeof(theirs));
    if (op.kind == OpKind::recv_reduce) {
      const AdasumProducts& mine = memory_.products(op.src_offset + i);
      theirs = (op.flags & kReverseOperands) != 0 ? theirs + mine : mine + theirs;
    }
    memory_.products(op.dst_offset + i) = theirs;
  }
}

// The chunk may come straight to where it belongs, if that is in one piece.
void Execution::offer_place(const Op& op, Rank peer, Edges& edges) {
  const std::size_t bytes = op.count * memory_.element_bytes();
  if (op.kind != OpKind::recv || op.dst == BufferKind::products || bytes < kInPlaceBytesMin ||
      (op.flags & kChangingFlags) != 0) {
    return;
  }
  const PieceCursor dst = memory_.at(op.dst, op.dst_offset, op.count);
  if (dst.run() >= op.count) {
    edges.offer(peer, {dst.data(), bytes});
  }
}

Execution::State Execution::receive(const Op& op, Edges& edges) {
  const Rank peer = world(op.peer);
  const std::optional<IncomingChunk> chunk = edges.peek(peer);
  if (!chunk.has_value()) {
    offer_place(op, peer, edges);
    return waiting_for(peer, edges);
  }
  failure_ = judge(*chunk, op, edges);
  if (!failure_.ok()) {
    return State::failed;
  }
  if (op.dst == BufferKind::products) {
    take_products(op, *chunk);
  } else if (op.count > 0) {
    const PieceCursor dst = memory_.at(op.dst, op.dst_offset, op.count);
    if (op.kind == OpKind::recv) {
      memory_.from_chunk(dst, chunk->data.data(), op.count, op.flags);
    } else {
      memory_.combine_chunk(dst, memory_.at(op.src, op.src_offset, op.count), chunk->data.data(),
                            op.count, op.flags);
    }
  }
  edges.release(peer);
  step_cost_ += static_cast<int>(chunk->data.size() / kBudgetBytes);
  return State::done;
}

bool Execution::writes_slot(const Op& op) {
  return op.count > 0 && (op.dst == BufferKind::slot || (op.flags & kToSlot) != 0);
}

Execution::State Execution::run_local(const Op& op, LaneWires& wires) {
  if (writes_slot(op) && !wires.slots.open_bank()) {
    return waiting_for(wires.slots.bank_reader(), wires.edges);
  }
  const std::size_t from = op_elements_done_;
  const std::size_t slice = kSliceBytes / memory_.element_bytes();
  const std::size_t count = slice_of(op.count - from, slice);
  if (op.kind == OpKind::dot && from == 0) {
    memory_.products(op.aux) = {};
  }
  if (count > 0) {
    run_slice(op, wires, from, count);
  }
  step_cost_ += static_cast<int>(count * memory_.element_bytes() / kBudgetBytes);
  op_elements_done_ += count;
  return op_elements_done_ == op.count ? State::done : State::moving;
}

bool Execution::part_stands(const Op& op, const LaneWires& wires) const {
  return parts_stand(wires.slots.slots_of(world(op.peer)), item_.id);
}

// Out of the memory of another process. A peer that has given its tensor back has failed, and who
// was first to fail is about to be told: until then there is nothing to do.
Execution::State Execution::read_part(const Op& op, LaneWires& wires) {
  const Rank peer = world(op.peer);
  const auto place = static_cast<std::size_t>(op.peer);
  parts_.resize(std::max(parts_.size(), placed_->members.size()));
  PeerPart& part = parts_[place];
  if (!part_stands(op, wires)) {
    return waiting_for(peer, wires.edges);
  }
  if (!part.is_of(item_.id)) {
    const Status found = part.find(item_, schedule(), Rank{op.peer}, wires.slots.slots_of(peer));
    if (!found.ok()) {
      failure_ = found.blame_rank(peer.value);
      return State::failed;
    }
  }
  const std::size_t from = op_elements_done_;
  const std::size_t count = slice_of(op.count - from, kReadBytes / memory_.element_bytes());
  if (count > 0) {
    const Status status =
        part.copy(memory_.at(op.dst, op.dst_offset + from, count), op.src_offset + from, count,
                  peer, *wires.edges.transport().memory_reader());
    if (!status.ok() && !part_stands(op, wires)) {
      return waiting_for(peer, wires.edges);
    }
    failure_ = status;
    if (!failure_.ok()) {
      return State::failed;
    }
  }
  step_cost_ += static_cast<int>(count * memory_.element_bytes() / kBudgetBytes);
  op_elements_done_ += count;
  if (op_elements_done_ < op.count) {
    return State::moving;
  }
  failure_ = wires.edges.transport().memory_reader()->has_lived(peer);
  if (!failure_.ok()) {
    return State::failed;
  }
  return part_stands(op, wires) ? State::done : waiting_for(peer, wires.edges);
}

void Execution::withdraw(LaneWires& wires) {
  if (placed_ != nullptr && places_told_ && schedule().offers_parts) {
    withdraw_parts(wires.slots.slots_of(world(schedule().rank.value)));
  }
}

void Execution::run_slice(const Op& op, LaneWires& wires, std::size_t from, std::size_t count) {
  if (op.kind == OpKind::reduce_slots) {
    return (op.flags & kFromInputs) != 0 ? reduce_tensors(op, from, count)
                                         : reduce_slots(op, wires.slots, from, count);
  }
  const PieceCursor dst = operand(op, true, wires.slots, from, count);
  const PieceCursor src = operand(op, false, wires.slots, from, count);
  switch (op.kind) {
    case OpKind::copy:
      return memory_.copy(dst, src, count, op.flags);
    case OpKind::dot:
      return memory_.dot(op.aux, dst, src, count, op.flags);
    case OpKind::weigh:
      return memory_.weigh(op.aux, dst, src, count, op.flags);
    default:
      return memory_.combine(dst, dst, src, count, op.flags);
  }
}

void Execution::reduce_slots(const Op& op, const SlotLane& slots, std::size_t from,
                             std::size_t count) {
  const std::size_t offset = (op.aux + from) * memory_.element_bytes();
  const Rank self = world(schedule().rank.value);
  sources_.clear();
  std::size_t own = 0;
  for (const Rank rank : placed_->sharers) {
    if (rank == self) {
      own = sources_.size();
    }
    sources_.push_back(slots.slots_of(rank) + offset);
  }
  std::byte* slot = (op.flags & kToSlot) != 0 ? slots.slots_of(self) + offset : nullptr;
  memory_.combine_all(operand(op, true, slots, from, count), slot,
                      operand(op, false, slots, from, count), sources_, own, count, op.flags);
}

// All ranks' tensors are cut into segments alike, so that what is one stretch here is one there.
// The result goes to the first of the others on the way. Where there are more, in blocks that stay
// in the first cache until they have it as well.
void Execution::reduce_tensors(const Op& op, std::size_t from, std::size_t count) {
  constexpr std::size_t kBlockBytes = 8192;
  const std::size_t element_bytes = memory_.element_bytes();
  const bool to_others = (op.flags & kToOutputs) != 0;
  const std::size_t block = to_others && placed_->sharers.size() > 2
                                ? kBlockBytes / element_bytes
                                : std::numeric_limits<std::size_t>::max();
  for (std::size_t at = from; at < from + count;) {
    const std::size_t left = from + count - at;
    const PieceCursor own = memory_.at(op.src, op.src_offset + at, left);
    const std::size_t n = std::min({left, own.run(), block});
    const PieceCursor dst = memory_.at(op.dst, op.dst_offset + at, n);
    const std::size_t own_place = list_sources(op.src_offset + at, n);
    std::byte* first =
        to_others ? peers_[own_place == 0 ? 1 : 0].output().at(op.dst_offset + at, n).data()
                  : nullptr;
    memory_.combine_all(dst, first, own, sources_, own_place, n, op.flags & ~unsigned{kStream});
    for (std::size_t i = 0; to_others && i < placed_->sharers.size(); ++i) {
      std::byte* other =
          i == own_place ? first : peers_[i].output().at(op.dst_offset + at, n).data();
      if (other != first) {
        std::memcpy(other, dst.data(), n * element_bytes);
      }
    }
    at += n;
  }
}

// Where the others have these elements of their inputs, in sources_; the result is this rank's
// place among them, which stays empty.
std::size_t Execution::list_sources(std::size_t offset, std::size_t count) {
  const Rank self = world(schedule().rank.value);
  std::size_t own_place = 0;
  sources_.clear();
  for (std::size_t i = 0; i < placed_->sharers.size(); ++i) {
    const bool is_own = placed_->sharers[i] == self;
    own_place = is_own ? i : own_place;
    sources_.push_back(is_own ? nullptr : peers_[i].input().at(offset, count).data());
  }
  return own_place;
}

PieceCursor Execution::operand(const Op& op, bool is_dst, const SlotLane& slots, std::size_t from,
                               std::size_t count) const {
  const BufferKind buffer = is_dst ? op.dst : op.src;
  const std::uint64_t offset = (is_dst ? op.dst_offset : op.src_offset) + from;
  if (buffer != BufferKind::slot) {
    return memory_.at(buffer, offset, count);
  }
  const Rank owner = world(op.kind == OpKind::reduce_slots ? schedule().rank.value : op.peer);
  return memory_.contiguous(slots.slots_of(owner) + offset * memory_.element_bytes());
}

// A peer that gives nothing: it is not there yet, or what it wrote cannot be.
Execution::State Execution::waiting_for(Rank peer, const Edges& edges) {
  awaited_ = peer;
  failure_ = edges.transport().health(peer);
  return failure_.ok() ? State::blocked : State::failed;
}

Status Execution::judge(const IncomingChunk& chunk, const Op& op, const Edges& edges) const {
  const Rank peer = world(op.peer);
  const ChunkHeader expected{.sequence = edges.expected_sequence(peer),
                             .byte_count = op.dst == BufferKind::products
                                               ? op.count * sizeof(AdasumProducts)
                                               : memory_.chunk_bytes(op.count, op.flags),
                             .work_id = item_.id};
  if (chunk.header == expected && chunk.data.size() == expected.byte_count) {
    return ok_status();
  }
  return error(StatusCode::aborted, "a chunk from rank ", peer,
               " does not fit: ", collective_name(item_.kind), " '", item_.label, "' on rank ",
               world(schedule().rank.value), " expects chunk ", expected.sequence,
               " of this edge with ", expected.byte_count, " bytes of work item ", expected.work_id,
               ", found chunk ", chunk.header.sequence, " with ", chunk.header.byte_count,
               " bytes of work item ", chunk.header.work_id, ". rank ", peer,
               " runs another version of hvd, or its memory is damaged")
      .blame_rank(peer.value);
}

}  // namespace hvd
