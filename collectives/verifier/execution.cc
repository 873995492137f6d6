#include "collectives/verifier/execution.h"

#include <algorithm>

#include "collectives/verifier/combination.h"
#include "collectives/verifier/products.h"

namespace hvd {
namespace {

bool is_of_a_peer(BufferKind buffer) {
  return buffer == BufferKind::peer_input || buffer == BufferKind::peer_output ||
         buffer == BufferKind::peer_part;
}

bool offers_slots(std::span<const Schedule> schedules) {
  return std::any_of(schedules.begin(), schedules.end(),
                     [](const Schedule& schedule) { return schedule.slot_element_count > 0; });
}

}  // namespace

bool uses_peer_tensors(std::span<const Schedule> schedules) {
  return std::any_of(schedules.begin(), schedules.end(), [](const Schedule& schedule) {
    return !schedule.slot_ranks.empty() &&
           std::any_of(schedule.ops.begin(), schedule.ops.end(), [](const Op& op) {
             return is_of_a_peer(op.dst) || is_of_a_peer(op.src) ||
                    (op.flags & (kFromInputs | kToOutputs)) != 0;
           });
  });
}

Execution::Execution(std::span<const Schedule> schedules, int edge_slot_count, Look look)
    : schedules_(schedules),
      edge_slot_count_(static_cast<std::size_t>(edge_slot_count)),
      uses_peer_tensors_(uses_peer_tensors(schedules)),
      shares_memory_(uses_peer_tensors_ || offers_slots(schedules)),
      keeps_clocks_(shares_memory_ || schedules.front().kind == CollectiveKind::barrier),
      looks_at_values_(look == Look::order_and_values),
      terms_(static_cast<int>(schedules.size())),
      ranks_(schedules.size()),
      edges_(schedules.size() * schedules.size()) {
  for (std::size_t rank = 0; rank < schedules.size(); ++rank) {
    start_rank(rank);
    const auto count = [&](BufferKind buffer) {
      return uses_peer_tensors_ ? buffer_element_count(schedules[rank], buffer) : 0;
    };
    shared_.push_back(SharedMemory{SharedAccesses(schedules[rank].slot_element_count),
                                   SharedAccesses(count(BufferKind::input)),
                                   SharedAccesses(count(BufferKind::output))});
    offer_tensors(rank);
  }
}

// Others find a rank's tensors once they know that it has begun: that its first op is over.
void Execution::offer_tensors(std::size_t rank) {
  for (SharedAccesses* accesses : {&shared_[rank].input, &shared_[rank].output}) {
    if (accesses->element_count() > 0) {
      (void)accesses->write(0, accesses->element_count(), Access{Rank{rank}, 0},
                            ranks_[rank].clock);
    }
  }
}

void Execution::start_rank(std::size_t rank) {
  const Schedule& schedule = schedules_[rank];
  RankState& state = ranks_[rank];
  const Value mine{terms_.input_of(Rank{rank}), 0};
  const bool gathers = schedule.kind == CollectiveKind::allgather;
  state.input = Contents(buffer_element_count(schedule, BufferKind::input), mine);
  state.output = Contents(buffer_element_count(schedule, BufferKind::output),
                          schedule.in_place && !gathers ? mine : Value{});
  if (schedule.in_place && gathers && schedule.counts[rank] > 0) {
    Elements own{schedule.counts[rank], {{0, mine}}};
    std::uint64_t offset = 0;
    for (std::size_t other = 0; other < rank; ++other) {
      offset += schedule.counts[other];
    }
    state.output.write(offset, own);
  }
  state.scratch = Contents(schedule.scratch_element_count, Value{});
  state.slot = Contents(schedule.slot_element_count, Value{});
  state.products = Contents(schedule.product_count, Value{});
  if (keeps_clocks_) {
    state.clock.resize(schedules_.size());
  }
}

VerifierReport Execution::run() {
  for (std::size_t rank = ranks_.size(); rank-- > 0;) {
    enqueue(rank);
  }
  while (!queue_.empty()) {
    const std::size_t rank = queue_.back();
    queue_.pop_back();
    ranks_[rank].is_queued = false;
    if (Fault report = run_rank(rank)) {
      return *report;
    }
  }
  for (std::size_t rank = 0; rank < ranks_.size(); ++rank) {
    if (ranks_[rank].next_op < schedules_[rank].ops.size()) {
      return deadlock_report();
    }
  }
  return leftover_chunk().value_or(VerifierReport{});
}

void Execution::enqueue(std::size_t rank) {
  if (!ranks_[rank].is_queued) {
    ranks_[rank].is_queued = true;
    queue_.push_back(rank);
  }
}

Execution::Fault Execution::run_rank(std::size_t rank) {
  const std::vector<Op>& ops = schedules_[rank].ops;
  RankState& state = ranks_[rank];
  if (state.next_op == ops.size() && !ops.empty()) {
    return std::nullopt;
  }
  while (state.next_op < ops.size()) {
    const Op& op = ops[state.next_op];
    if (!state.is_checked) {
      if (const std::string text = op_fault(schedules_, rank, op); !text.empty()) {
        return fault(VerifierRule::well_formed_op, rank, text);
      }
      state.is_checked = true;
    }
    if (is_blocked(rank, op)) {
      return std::nullopt;
    }
    if (Fault report = run_op(rank, op)) {
      return report;
    }
    ++state.next_op;
    state.is_checked = false;
  }
  return finish_rank(rank);
}

// Whoever waits for a rank's part of a collective does with the tensors as he likes afterwards.
Execution::Fault Execution::finish_rank(std::size_t rank) {
  if (!uses_peer_tensors_) {
    return std::nullopt;
  }
  const Access access{Rank{rank}, static_cast<std::uint32_t>(schedules_[rank].ops.size())};
  SharedMemory& memory = shared_[rank];
  for (SharedAccesses* accesses : {&memory.input, &memory.output}) {
    if (accesses->element_count() == 0) {
      continue;
    }
    if (const auto conflict =
            accesses->write(0, accesses->element_count(), access, ranks_[rank].clock)) {
      return conflict_report(rank, *conflict, true);
    }
  }
  return std::nullopt;
}

bool Execution::is_blocked(std::size_t rank, const Op& op) {
  const auto peer = static_cast<std::size_t>(op.peer);
  switch (op.kind) {
    case OpKind::send:
      return edge(rank, peer).waiting_count() >= edge_slot_count_;
    case OpKind::recv:
    case OpKind::recv_reduce:
      return edge(peer, rank).waiting_count() == 0;
    case OpKind::wait:
      return waits_for_flag(rank, peer, op);
    case OpKind::wait_all:
      return waits_for_all(rank, op);
    case OpKind::copy:
    case OpKind::reduce:
    case OpKind::post:
    case OpKind::reduce_slots:
    case OpKind::dot:
    case OpKind::weigh:
      return false;
  }
  return false;
}

bool Execution::is_raised(std::size_t rank, const Op& op) const {
  const std::vector<FlagRaise>& raises = ranks_[rank].flags[flag_of(op)];
  return !raises.empty() && raises.back().value >= value_of(op);
}

bool Execution::waits_for_flag(std::size_t rank, std::size_t whose, const Op& op) {
  if (is_raised(whose, op)) {
    return false;
  }
  ranks_[whose].flag_waiters.push_back(rank);
  return true;
}

bool Execution::waits_for_all(std::size_t rank, const Op& op) {
  const std::vector<Rank>& members = schedules_[rank].slot_ranks;
  std::size_t& awaited = ranks_[rank].awaited;
  for (; awaited < members.size(); ++awaited) {
    const std::size_t member = members[awaited].index();
    if (member != rank && waits_for_flag(rank, member, op)) {
      return true;
    }
  }
  awaited = 0;
  return false;
}

Execution::Fault Execution::run_op(std::size_t rank, const Op& op) {
  Fault report;
  switch (op.kind) {
    case OpKind::copy:
    case OpKind::reduce:
      report = run_local(rank, op);
      break;
    case OpKind::reduce_slots:
      report = run_reduce_slots(rank, op);
      break;
    case OpKind::dot:
    case OpKind::weigh:
      report = run_adasum(rank, op);
      break;
    case OpKind::recv:
    case OpKind::recv_reduce:
      report = run_receive(rank, op);
      break;
    case OpKind::wait:
      learn_raise(rank, static_cast<std::size_t>(op.peer), op);
      break;
    case OpKind::wait_all:
      for (const Rank member : schedules_[rank].slot_ranks) {
        if (member.index() != rank) {
          learn_raise(rank, member.index(), op);
        }
      }
      break;
    case OpKind::send:
      return run_send(rank, op);
    case OpKind::post:
      return run_post(rank, op);
  }
  finish_op(rank);
  return report;
}

Execution::Fault Execution::run_local(std::size_t rank, const Op& op) {
  if (Fault report = read(rank, source(rank, op), op.count, first_)) {
    return report;
  }
  if (op.kind == OpKind::reduce) {
    if (Fault report = read(rank, destination(rank, op), op.count, second_)) {
      return report;
    }
    if (Fault report = combine(rank, op, second_, first_)) {
      return report;
    }
    std::swap(first_, second_);
  }
  if (Fault report = finish_values(rank, op, first_)) {
    return report;
  }
  return write(rank, destination(rank, op), first_);
}

// Products are a formula too, of one element: it goes where they go.
Execution::Fault Execution::run_adasum(std::size_t rank, const Op& op) {
  const Operand products{{rank, BufferKind::products}, op.aux};
  if (Fault report = read(rank, destination(rank, op), op.count, second_)) {
    return report;
  }
  if (Fault report = read(rank, source(rank, op), op.count, first_)) {
    return report;
  }
  if ((op.flags & kReverseOperands) != 0) {
    std::swap(first_, second_);
  }
  const Elements& a = second_;
  const Elements& b = first_;
  if (op.kind == OpKind::dot) {
    Elements result{1, {{0, Value{}}}};
    const auto wrong =
        looks_at_values_ ? multiply(terms_, a, b, result.pieces[0].value.term) : std::nullopt;
    if (wrong) {
      return fault(VerifierRule::sound_reduction, rank, wrong->text, op.dst_offset,
                   op.dst_offset + op.count);
    }
    return write(rank, products, result);
  }
  Elements factors;
  if (Fault report = read(rank, products, 1, factors)) {
    return report;
  }
  Elements result = a;
  const auto wrong = looks_at_values_ ? weigh(terms_, factors.pieces[0].value.term,
                                              schedules_[rank].element_count, result, b)
                                      : std::nullopt;
  if (wrong) {
    return fault(VerifierRule::sound_reduction, rank, wrong->text, op.dst_offset + wrong->begin,
                 op.dst_offset + wrong->end);
  }
  if (Fault report = finish_values(rank, op, result)) {
    return report;
  }
  return write(rank, destination(rank, op), result);
}

Execution::Fault Execution::run_send(std::size_t rank, const Op& op) {
  Chunk chunk;
  chunk.op_index = ranks_[rank].next_op;
  chunk.is_narrow = (op.flags & kNarrow) != 0;
  chunk.is_products = op.src == BufferKind::products;
  if (Fault report = read(rank, source(rank, op), op.count, chunk.elements)) {
    return report;
  }
  if (Fault report = finish_values(rank, op, chunk.elements)) {
    return report;
  }
  finish_op(rank);
  chunk.clock = ranks_[rank].clock;
  const auto peer = static_cast<std::size_t>(op.peer);
  edge(rank, peer).chunks.push_back(std::move(chunk));
  enqueue(peer);
  return std::nullopt;
}

Execution::Fault Execution::run_receive(std::size_t rank, const Op& op) {
  const auto peer = static_cast<std::size_t>(op.peer);
  Edge& from = edge(peer, rank);
  Chunk chunk = std::move(from.chunks[from.taken_count++]);
  enqueue(peer);  // it may wait for the slot
  const bool is_narrow = (op.flags & kNarrow) != 0;
  const bool is_products = op.dst == BufferKind::products;
  if (chunk.elements.count != op.count || chunk.is_narrow != is_narrow ||
      chunk.is_products != is_products) {
    return fault(VerifierRule::matching_chunk, rank,
                 str("the chunk that rank ", peer, " sent at its op ", chunk.op_index, " has ",
                     chunk.elements.count, " elements",
                     chunk.is_narrow == is_narrow ? "" : " of the other width",
                     chunk.is_products == is_products ? "" : ", and products are no elements"));
  }
  learn(rank, peer, chunk.clock);
  if (op.kind == OpKind::recv_reduce) {
    if (Fault report = read(rank, source(rank, op), op.count, first_)) {
      return report;
    }
    if (Fault report = combine(rank, op, first_, chunk.elements)) {
      return report;
    }
    std::swap(first_, chunk.elements);
  }
  Op wide = op;  // the chunk was narrow before it was combined
  wide.flags = static_cast<std::uint8_t>(op.flags & ~unsigned{kNarrow});
  if (Fault report = finish_values(rank, wide, chunk.elements)) {
    return report;
  }
  return write(rank, destination(rank, op), chunk.elements);
}

Execution::Fault Execution::run_post(std::size_t rank, const Op& op) {
  RankState& state = ranks_[rank];
  std::vector<FlagRaise>& raises = state.flags[flag_of(op)];
  if (value_of(op) <= (raises.empty() ? 0 : raises.back().value)) {
    return fault(VerifierRule::well_formed_op, rank, "it does not raise its flag");
  }
  finish_op(rank);
  raises.push_back(FlagRaise{value_of(op), state.clock});
  for (const std::size_t waiter : state.flag_waiters) {
    enqueue(waiter);
  }
  state.flag_waiters.clear();
  return std::nullopt;
}

// A wait is certain of what came before the first post that satisfies it, of nothing later.
void Execution::learn_raise(std::size_t rank, std::size_t whose, const Op& op) {
  if (!keeps_clocks_) {
    return;
  }
  const std::vector<FlagRaise>& raises = ranks_[whose].flags[flag_of(op)];
  const auto first = std::lower_bound(
      raises.begin(), raises.end(), value_of(op),
      [](const FlagRaise& raise, std::uint32_t value) { return raise.value < value; });
  learn(rank, whose, first->clock);
}

Execution::Fault Execution::run_reduce_slots(std::size_t rank, const Op& op) {
  bool is_first = true;
  for (const Rank member : schedules_[rank].slot_ranks) {
    Operand from = source(rank, op);
    if (member.index() != rank) {
      from = (op.flags & kFromInputs) != 0
                 ? Operand{input_of(schedules_, member.index()), op.src_offset}
                 : Operand{{member.index(), BufferKind::slot}, op.aux};
    }
    if (Fault report = read(rank, from, op.count, is_first ? first_ : second_)) {
      return report;
    }
    if (!is_first) {
      if (Fault report = combine(rank, op, first_, second_)) {
        return report;
      }
    }
    is_first = false;
  }
  if (Fault report = finish_values(rank, op, first_)) {
    return report;
  }
  return write_slots_result(rank, op);
}

Execution::Fault Execution::write_slots_result(std::size_t rank, const Op& op) {
  if ((op.flags & kToSlot) != 0) {
    second_ = first_;
    if (Fault report = write(rank, {{rank, BufferKind::slot}, op.aux}, second_)) {
      return report;
    }
  }
  if ((op.flags & kToOutputs) != 0) {
    for (const Rank member : schedules_[rank].slot_ranks) {
      second_ = first_;
      const Operand to{{member.index(), BufferKind::output}, op.dst_offset};
      if (Fault report = write(rank, to, second_)) {
        return report;
      }
    }
    return std::nullopt;
  }
  return write(rank, destination(rank, op), first_);
}

Execution::Operand Execution::source(std::size_t rank, const Op& op) const {
  return {memory_of(schedules_, rank, op, op.src),
          memory_begin(schedules_, rank, op, op.src) + op.src_offset};
}
Execution::Operand Execution::destination(std::size_t rank, const Op& op) const {
  return {memory_of(schedules_, rank, op, op.dst), op.dst_offset};
}

Contents& Execution::contents(const Memory& memory) {
  RankState& owner = ranks_[memory.owner];
  switch (memory.buffer) {
    case BufferKind::slot:
      return owner.slot;
    case BufferKind::input:
      return owner.input;
    case BufferKind::scratch:
      return owner.scratch;
    case BufferKind::products:
      return owner.products;
    case BufferKind::output:
    case BufferKind::none:
    case BufferKind::peer_input:
    case BufferKind::peer_output:
    case BufferKind::peer_part:
      return owner.output;
  }
  return owner.output;
}

// None for what only its owner reaches.
SharedAccesses* Execution::shared(const Memory& memory) {
  if (memory.buffer == BufferKind::slot) {
    return &shared_[memory.owner].slot;
  }
  if (!uses_peer_tensors_) {
    return nullptr;
  }
  return memory.buffer == BufferKind::input    ? &shared_[memory.owner].input
         : memory.buffer == BufferKind::output ? &shared_[memory.owner].output
                                               : nullptr;
}

Execution::Fault Execution::read(std::size_t rank, const Operand& from, std::uint64_t count,
                                 Elements& elements) {
  elements.count = count;
  elements.pieces.clear();
  if (count == 0) {
    return std::nullopt;
  }
  if (SharedAccesses* accesses = shared(from.memory)) {
    const Access access{Rank{rank}, static_cast<std::uint32_t>(ranks_[rank].next_op)};
    if (const auto conflict =
            accesses->read(from.offset, from.offset + count, access, ranks_[rank].clock)) {
      return conflict_report(rank, *conflict, false);
    }
  }
  contents(from.memory).read(from.offset, count, elements);
  for (std::size_t i = 0; looks_at_values_ && i < elements.pieces.size(); ++i) {
    if (elements.pieces[i].value.term == kUndefinedTerm) {
      const std::uint64_t end =
          i + 1 < elements.pieces.size() ? elements.pieces[i + 1].begin : elements.count;
      return fault(VerifierRule::defined_read, rank, "it reads what nobody has written",
                   from.offset + elements.pieces[i].begin, from.offset + end);
    }
  }
  return std::nullopt;
}

Execution::Fault Execution::write(std::size_t rank, const Operand& to, Elements& elements) {
  if (elements.count == 0) {
    return std::nullopt;
  }
  if (SharedAccesses* accesses = shared(to.memory)) {
    const Access access{Rank{rank}, static_cast<std::uint32_t>(ranks_[rank].next_op)};
    if (const auto conflict =
            accesses->write(to.offset, to.offset + elements.count, access, ranks_[rank].clock)) {
      return conflict_report(rank, *conflict, true);
    }
  }
  contents(to.memory).write(to.offset, elements);
  return std::nullopt;
}

Execution::Fault Execution::combine(std::size_t rank, const Op& op, Elements& ours,
                                    const Elements& theirs) {
  if (!looks_at_values_) {
    return std::nullopt;
  }
  const bool reversed = (op.flags & kReverseOperands) != 0;
  const auto wrong = op.dst == BufferKind::products ? add_products(terms_, reversed, ours, theirs)
                                                    : hvd::combine(terms_, reversed, ours, theirs);
  if (wrong) {
    return fault(VerifierRule::sound_reduction, rank, wrong->text, op.dst_offset + wrong->begin,
                 op.dst_offset + wrong->end);
  }
  return std::nullopt;
}

Execution::Fault Execution::finish_values(std::size_t rank, const Op& op, Elements& elements) {
  if (!looks_at_values_) {
    return std::nullopt;
  }
  if (const auto wrong = hvd::finish_values(terms_, op.flags, elements)) {
    return fault(VerifierRule::sound_reduction, rank, wrong->text, op.dst_offset + wrong->begin,
                 op.dst_offset + wrong->end);
  }
  return std::nullopt;
}

void Execution::finish_op(std::size_t rank) {
  if (keeps_clocks_) {
    ranks_[rank].clock[rank] = static_cast<std::uint32_t>(ranks_[rank].next_op + 1);
  }
}

// What `from` knew. Whoever knows an op of a rank knows all that the rank knew then.
void Execution::learn(std::size_t rank, std::size_t from, const VectorClock& clock) {
  if (!keeps_clocks_) {
    return;
  }
  VectorClock& mine = ranks_[rank].clock;
  if (mine[from] < clock[from]) {
    std::transform(mine.begin(), mine.end(), clock.begin(), mine.begin(),
                   [](std::uint32_t a, std::uint32_t b) { return std::max(a, b); });
  }
}

}  // namespace hvd
