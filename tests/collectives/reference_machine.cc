#include "tests/collectives/reference_machine.h"

#include <algorithm>
#include <cstring>

#include "collectives/kernels/adasum.h"
#include "collectives/kernels/elements.h"
#include "collectives/kernels/reduce.h"
#include "collectives/kernels/scale.h"

namespace hvd {

ReferenceMachine::ReferenceMachine(const std::vector<Schedule>& schedules,
                                   const std::vector<std::vector<std::byte>>& inputs,
                                   const Arithmetic& arithmetic, int edge_slot_count)
    : schedules_(&schedules),
      arithmetic_(arithmetic),
      bytes_(dtype_bytes(arithmetic.dtype)),
      slot_count_(static_cast<std::size_t>(edge_slot_count)),
      ranks_(schedules.size()),
      edges_(schedules.size() * schedules.size()) {
  for (std::size_t rank = 0; rank < schedules.size(); ++rank) {
    start_rank(rank, inputs[rank]);
  }
}

void ReferenceMachine::start_rank(std::size_t rank, const std::vector<std::byte>& input) {
  const Schedule& schedule = (*schedules_)[rank];
  RankState& state = ranks_[rank];
  const auto garbage = [&](std::uint64_t count) {
    return std::vector<std::byte>(count * bytes_, std::byte{0x5a});
  };
  state.input = input;
  state.output = garbage(buffer_element_count(schedule, BufferKind::output));
  state.scratch = garbage(schedule.scratch_element_count);
  state.slot = garbage(schedule.slot_element_count);
  state.products.resize(schedule.product_count * sizeof(AdasumProducts), std::byte{0x5a});
  if (schedule.in_place && !state.output.empty()) {
    std::uint64_t offset = 0;
    for (std::size_t other = 0; other < rank && other < schedule.counts.size(); ++other) {
      offset += schedule.counts[other];
    }
    std::copy(input.begin(), input.end(),
              state.output.begin() + static_cast<std::ptrdiff_t>(offset * bytes_));
  }
  if (schedule.ops.empty()) {
    leave(rank);
  }
}

bool ReferenceMachine::all_raised(std::size_t rank, const Op& op) const {
  const std::vector<Rank>& members = (*schedules_)[rank].slot_ranks;
  return std::all_of(members.begin(), members.end(), [&](Rank member) {
    return member.index() == rank || ranks_[member.index()].flags[flag_of(op)] >= value_of(op);
  });
}

bool ReferenceMachine::can_run(std::size_t rank) const {
  const RankState& state = ranks_[rank];
  if (broken_ || state.next_op == (*schedules_)[rank].ops.size()) {
    return false;
  }
  const Op& op = (*schedules_)[rank].ops[state.next_op];
  const auto peer = static_cast<std::size_t>(op.peer);
  switch (op.kind) {
    case OpKind::send:
      return edge(rank, peer).size() < slot_count_;
    case OpKind::recv:
    case OpKind::recv_reduce:
      return !edge(peer, rank).empty();
    case OpKind::wait:
      return ranks_[peer].flags[flag_of(op)] >= value_of(op);
    case OpKind::wait_all:
      return all_raised(rank, op);
    case OpKind::copy:
    case OpKind::reduce:
    case OpKind::post:
    case OpKind::reduce_slots:
    case OpKind::dot:
    case OpKind::weigh:
      return true;
  }
  return false;
}

void ReferenceMachine::run_op(std::size_t rank) {
  const Op& op = (*schedules_)[rank].ops[ranks_[rank].next_op];
  switch (op.kind) {
    case OpKind::copy:
      store(destination(rank, op), source(rank, op), op);
      break;
    case OpKind::reduce: {
      std::byte* dst = destination(rank, op);
      combine(dst, dst, source(rank, op), op);
      finish(dst, op);
      break;
    }
    case OpKind::send:
      send(rank, op);
      break;
    case OpKind::recv:
    case OpKind::recv_reduce:
      receive(rank, op, edge(static_cast<std::size_t>(op.peer), rank));
      break;
    case OpKind::post:
      ranks_[rank].flags[flag_of(op)] = value_of(op);
      break;
    case OpKind::reduce_slots:
      reduce_slots(rank, op);
      break;
    case OpKind::dot:
    case OpKind::weigh:
      run_adasum(rank, op);
      break;
    case OpKind::wait:
    case OpKind::wait_all:
      break;
  }
  ++ranks_[rank].next_op;
  leave(rank);
}

void ReferenceMachine::send(std::size_t rank, const Op& op) {
  const std::byte* src = source(rank, op);
  const bool is_products = op.src == BufferKind::products;
  std::vector<std::byte> chunk(src,
                               src + op.count * (is_products ? sizeof(AdasumProducts) : bytes_));
  if ((op.flags & kNarrow) != 0) {
    narrow(chunk.data(), op.count);
  }
  edge(rank, static_cast<std::size_t>(op.peer)).push_back(std::move(chunk));
}

void ReferenceMachine::receive(std::size_t rank, const Op& op, Chunks& from) {
  const std::vector<std::byte> chunk = std::move(from.front());
  from.pop_front();
  if (op.dst == BufferKind::products) {
    receive_products(rank, op, chunk);
    return;
  }
  if (chunk.size() != op.count * bytes_) {
    broken_ = true;
    return;
  }
  std::byte* dst = destination(rank, op);
  // What was sent is narrow already.
  Op wide = op;
  wide.flags = static_cast<std::uint8_t>(op.flags & ~kNarrow);
  if (op.kind == OpKind::recv) {
    store(dst, chunk.data(), wide);
    return;
  }
  combine(dst, source(rank, op), chunk.data(), op);
  finish(dst, wide);
}

void ReferenceMachine::receive_products(std::size_t rank, const Op& op,
                                        const std::vector<std::byte>& chunk) {
  if (chunk.size() != sizeof(AdasumProducts)) {
    broken_ = true;
    return;
  }
  AdasumProducts theirs;
  AdasumProducts mine;
  std::memcpy(&theirs, chunk.data(), sizeof(theirs));
  if (op.kind == OpKind::recv_reduce) {
    std::memcpy(&mine, source(rank, op), sizeof(mine));
    theirs = (op.flags & kReverseOperands) != 0 ? theirs + mine : mine + theirs;
  }
  std::memcpy(destination(rank, op), &theirs, sizeof(theirs));
}

void ReferenceMachine::run_adasum(std::size_t rank, const Op& op) {
  const bool reversed = (op.flags & kReverseOperands) != 0;
  std::byte* dst = destination(rank, op);
  const std::byte* a = reversed ? source(rank, op) : dst;
  const std::byte* b = reversed ? dst : source(rank, op);
  std::byte* place = address({rank, BufferKind::products}, op.aux);
  AdasumProducts products;
  if (op.kind == OpKind::dot) {
    products =
        op.count == 0 ? AdasumProducts{} : adasum_products(a, b, op.count, arithmetic_.dtype);
    std::memcpy(place, &products, sizeof(products));
    return;
  }
  std::memcpy(&products, place, sizeof(products));
  adasum_combine(dst, a, b, adasum_factors(products), op.count, arithmetic_.dtype);
  finish(dst, op);
}

void ReferenceMachine::reduce_slots(std::size_t rank, const Op& op) {
  std::vector<std::byte> result;
  const auto take = [&](const std::byte* src) {
    if (result.empty()) {
      result.assign(src, src + op.count * bytes_);
    } else {
      combine(result.data(), result.data(), src, op);
    }
  };
  if (op.count == 0) {
    return;
  }
  for (const Rank member : (*schedules_)[rank].slot_ranks) {
    if (member.index() == rank) {
      take(source(rank, op));
    } else if ((op.flags & kFromInputs) != 0) {
      take(address(input_of(*schedules_, member.index()), op.src_offset));
    } else {
      take(address({member.index(), BufferKind::slot}, op.aux));
    }
  }
  finish(result.data(), op);
  std::memcpy(destination(rank, op), result.data(), result.size());
  if ((op.flags & kToSlot) != 0) {
    std::memcpy(address({rank, BufferKind::slot}, op.aux), result.data(), result.size());
  }
  if ((op.flags & kToOutputs) != 0) {
    for (const Rank member : (*schedules_)[rank].slot_ranks) {
      std::memcpy(address({member.index(), BufferKind::output}, op.dst_offset), result.data(),
                  result.size());
    }
  }
}

void ReferenceMachine::combine(std::byte* dst, const std::byte* ours, const std::byte* theirs,
                               const Op& op) const {
  const bool reversed = (op.flags & kReverseOperands) != 0;
  reduce(dst, reversed ? theirs : ours, reversed ? ours : theirs, op.count, arithmetic_.dtype,
         arithmetic_.op);
}

void ReferenceMachine::store(std::byte* dst, const std::byte* src, const Op& op) const {
  if (op.count > 0) {
    std::memmove(dst, src, op.count * bytes_);
  }
  finish(dst, op);
}

void ReferenceMachine::finish(std::byte* dst, const Op& op) const {
  if ((op.flags & kScalePre) != 0) {
    scale(dst, dst, arithmetic_.prescale, op.count, arithmetic_.dtype);
  }
  if ((op.flags & kScalePost) != 0) {
    scale(dst, dst, arithmetic_.postscale, op.count, arithmetic_.dtype);
  }
  if ((op.flags & kNarrow) != 0) {
    narrow(dst, op.count);
  }
}

// fp32 is narrowed to bf16, nothing else is narrowed.
void ReferenceMachine::narrow(std::byte* data, std::uint64_t count) const {
  for (std::uint64_t i = 0; arithmetic_.dtype == DType::float32 && i < count; ++i) {
    const float value = load<PlainElement<float>>(data, i);
    hvd::store<PlainElement<float>>(data, i, bfloat16_to_float(float_to_bfloat16(value)));
  }
}

std::byte* ReferenceMachine::address(const Memory& memory, std::uint64_t offset) {
  RankState& owner = ranks_[memory.owner];
  switch (memory.buffer) {
    case BufferKind::input:
      return owner.input.data() + offset * bytes_;
    case BufferKind::output:
      return owner.output.data() + offset * bytes_;
    case BufferKind::scratch:
      return owner.scratch.data() + offset * bytes_;
    case BufferKind::slot:
      return owner.slot.data() + offset * bytes_;
    case BufferKind::products:
      return owner.products.data() + offset * sizeof(AdasumProducts);
    case BufferKind::none:
    case BufferKind::peer_input:
    case BufferKind::peer_output:
    case BufferKind::peer_part:
      return nullptr;
  }
  return nullptr;
}
std::byte* ReferenceMachine::source(std::size_t rank, const Op& op) {
  return address(memory_of(*schedules_, rank, op, op.src),
                 memory_begin(*schedules_, rank, op, op.src) + op.src_offset);
}
std::byte* ReferenceMachine::destination(std::size_t rank, const Op& op) {
  return address(memory_of(*schedules_, rank, op, op.dst), op.dst_offset);
}

// A rank with ops has entered when it ran the first one. Whoever gets its tensors back at its end
// does with them as he likes.
void ReferenceMachine::leave(std::size_t rank) {
  RankState& state = ranks_[rank];
  if (state.next_op < (*schedules_)[rank].ops.size()) {
    return;
  }
  for (const RankState& other : ranks_) {
    if (&other != &state && other.next_op == 0) {
      state.saw_all_enter = false;
    }
  }
  state.result = state.output;
  std::fill(state.input.begin(), state.input.end(), std::byte{0x66});
  std::fill(state.output.begin(), state.output.end(), std::byte{0x66});
}

bool ReferenceMachine::saw_all_enter(std::size_t rank) const {
  return ranks_[rank].saw_all_enter && (!(*schedules_)[rank].ops.empty() || ranks_.size() == 1);
}

bool ReferenceMachine::finished() const {
  for (std::size_t rank = 0; rank < ranks_.size(); ++rank) {
    if (ranks_[rank].next_op < (*schedules_)[rank].ops.size()) {
      return false;
    }
  }
  return !broken_ && std::all_of(edges_.begin(), edges_.end(),
                                 [](const Chunks& chunks) { return chunks.empty(); });
}

std::string ReferenceMachine::state() const {
  std::string text(1, broken_ ? 'b' : 'g');
  const auto add = [&](const void* data, std::size_t size) {
    text.append(reinterpret_cast<const char*>(&size), sizeof(size));
    text.append(static_cast<const char*>(data), size);
  };
  for (const RankState& rank : ranks_) {
    add(&rank.next_op, sizeof(rank.next_op));
    text.push_back(rank.saw_all_enter ? 'y' : 'n');
    for (const auto* bytes :
         {&rank.input, &rank.output, &rank.result, &rank.scratch, &rank.slot, &rank.products}) {
      add(bytes->data(), bytes->size());
    }
    add(rank.flags.data(), sizeof(rank.flags));
  }
  for (const Chunks& chunks : edges_) {
    text.push_back(static_cast<char>(chunks.size()));
    for (const std::vector<std::byte>& chunk : chunks) {
      add(chunk.data(), chunk.size());
    }
  }
  return text;
}

}  // namespace hvd
