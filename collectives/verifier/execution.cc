#include "collectives/verifier/execution.h"

#include <algorithm>

#include "collectives/schedule_text.h"
#include "collectives/verifier/op_rules.h"

namespace hvd {
namespace {

bool needs_clocks(std::span<const Schedule> schedules) {
  return schedules.front().kind == CollectiveKind::barrier ||
         std::any_of(schedules.begin(), schedules.end(),
                     [](const Schedule& schedule) { return schedule.slot_element_count > 0; });
}

}  // namespace

Execution::Execution(std::span<const Schedule> schedules, int edge_slot_count, Look look)
    : schedules_(schedules),
      edge_slot_count_(static_cast<std::size_t>(edge_slot_count)),
      keeps_clocks_(needs_clocks(schedules)),
      looks_at_values_(look == Look::order_and_values),
      terms_(static_cast<int>(schedules.size())),
      ranks_(schedules.size()),
      edges_(schedules.size() * schedules.size()) {
  for (std::size_t rank = 0; rank < schedules.size(); ++rank) {
    start_rank(rank);
    shared_.emplace_back(schedules[rank].slot_element_count);
  }
}

void Execution::start_rank(std::size_t rank) {
  const Schedule& schedule = schedules_[rank];
  RankState& state = ranks_[rank];
  const Value mine{terms_.input_of(Rank{rank}), 0};
  const bool gathers = schedule.kind == CollectiveKind::allgather;
  state.input = Contents(buffer_element_count(schedule, BufferKind::input), mine);
  state.output = Contents(schedule.element_count, schedule.in_place && !gathers ? mine : Value{});
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
    if (const std::optional<VerifierReport> report = run_rank(rank)) {
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

std::optional<VerifierReport> Execution::run_rank(std::size_t rank) {
  const std::vector<Op>& ops = schedules_[rank].ops;
  RankState& state = ranks_[rank];
  while (state.next_op < ops.size()) {
    const Op& op = ops[state.next_op];
    if (const std::string text = op_fault(schedules_, rank, op); !text.empty()) {
      return fault(VerifierRule::well_formed_op, rank, text);
    }
    if (is_blocked(rank, op)) {
      return std::nullopt;
    }
    if (std::optional<VerifierReport> report = run_op(rank, op)) {
      return report;
    }
    ++state.next_op;
  }
  return std::nullopt;
}

bool Execution::is_blocked(std::size_t rank, const Op& op) const {
  const auto peer = static_cast<std::size_t>(op.peer);
  switch (op.kind) {
    case OpKind::send:
      return edge(rank, peer).waiting_count() >= edge_slot_count_;
    case OpKind::recv:
    case OpKind::recv_reduce:
      return edge(peer, rank).waiting_count() == 0;
    case OpKind::wait: {
      const auto raises = ranks_[peer].flags.find(flag_of(op));
      return value_of(op) > 0 &&
             (raises == ranks_[peer].flags.end() || raises->second.back().value < value_of(op));
    }
    case OpKind::copy:
    case OpKind::reduce:
    case OpKind::post:
    case OpKind::wait_all:
    case OpKind::reduce_slots:
      return false;
  }
  return false;
}

std::optional<VerifierReport> Execution::run_op(std::size_t rank, const Op& op) {
  switch (op.kind) {
    case OpKind::copy:
    case OpKind::reduce: {
      std::optional<VerifierReport> report = run_local(rank, op);
      finish_op(rank);
      return report;
    }
    case OpKind::send:
      return run_send(rank, op);
    case OpKind::recv:
    case OpKind::recv_reduce: {
      std::optional<VerifierReport> report = run_receive(rank, op);
      finish_op(rank);
      return report;
    }
    case OpKind::post:
      return run_post(rank, op);
    case OpKind::wait:
      run_wait(rank, op);
      return std::nullopt;
    case OpKind::wait_all:
    case OpKind::reduce_slots:
      break;  // pair: op_fault() refuses them
  }
  return std::nullopt;
}

std::optional<VerifierReport> Execution::run_local(std::size_t rank, const Op& op) {
  if (auto report = read(rank, op, false, first_)) {
    return report;
  }
  if (op.kind == OpKind::copy) {
    return write(rank, op, first_);
  }
  if (auto report = read(rank, op, true, second_)) {
    return report;
  }
  if (auto report = combine(rank, op, second_, first_)) {
    return report;
  }
  return write(rank, op, second_);
}

std::optional<VerifierReport> Execution::run_send(std::size_t rank, const Op& op) {
  Chunk chunk;
  chunk.op_index = ranks_[rank].next_op;
  if (auto report = read(rank, op, false, chunk.elements)) {
    return report;
  }
  finish_op(rank);
  chunk.clock = ranks_[rank].clock;
  const auto peer = static_cast<std::size_t>(op.peer);
  edge(rank, peer).chunks.push_back(std::move(chunk));
  enqueue(peer);
  return std::nullopt;
}

std::optional<VerifierReport> Execution::run_receive(std::size_t rank, const Op& op) {
  const auto peer = static_cast<std::size_t>(op.peer);
  Edge& from = edge(peer, rank);
  const Chunk chunk = std::move(from.chunks[from.taken_count++]);
  enqueue(peer);  // it may wait for the slot
  if (chunk.elements.count != op.count) {
    return fault(VerifierRule::matching_chunk, rank,
                 str("the chunk that rank ", peer, " sent at its op ", chunk.op_index, " has ",
                     chunk.elements.count, " elements"));
  }
  learn(rank, chunk.clock);
  if (op.kind == OpKind::recv) {
    first_ = chunk.elements;
    return write(rank, op, first_);
  }
  if (auto report = read(rank, op, false, first_)) {
    return report;
  }
  if (auto report = combine(rank, op, first_, chunk.elements)) {
    return report;
  }
  return write(rank, op, first_);
}

std::optional<VerifierReport> Execution::run_post(std::size_t rank, const Op& op) {
  std::vector<FlagRaise>& raises = ranks_[rank].flags[flag_of(op)];
  if (value_of(op) <= (raises.empty() ? 0 : raises.back().value)) {
    return fault(VerifierRule::well_formed_op, rank, "it does not raise its flag");
  }
  finish_op(rank);
  raises.push_back(FlagRaise{value_of(op), ranks_[rank].clock});
  for (std::size_t other = 0; other < ranks_.size(); ++other) {
    enqueue(other);
  }
  return std::nullopt;
}

// A wait is certain of what came before the first post that satisfies it, of nothing later.
void Execution::run_wait(std::size_t rank, const Op& op) {
  if (value_of(op) > 0) {
    const std::vector<FlagRaise>& raises =
        ranks_[static_cast<std::size_t>(op.peer)].flags[flag_of(op)];
    const auto first = std::find_if(raises.begin(), raises.end(), [&](const FlagRaise& raise) {
      return raise.value >= value_of(op);
    });
    learn(rank, first->clock);
  }
  finish_op(rank);
}

Execution::Operand Execution::operand(std::size_t rank, const Op& op, bool is_dst) {
  const BufferKind buffer = storage_of(schedules_[rank], is_dst ? op.dst : op.src);
  const std::uint64_t offset = is_dst ? op.dst_offset : op.src_offset;
  switch (buffer) {
    case BufferKind::slot: {
      const auto owner = static_cast<std::size_t>(op.peer);
      return {&ranks_[owner].slot, offset, true, owner};
    }
    case BufferKind::input:
      return {&ranks_[rank].input, offset, false, rank};
    case BufferKind::scratch:
      return {&ranks_[rank].scratch, offset, false, rank};
    case BufferKind::output:
    case BufferKind::none:
    case BufferKind::peer_input:
    case BufferKind::peer_output:
      return {&ranks_[rank].output, offset, false, rank};
  }
  return {&ranks_[rank].output, offset, false, rank};
}

std::optional<VerifierReport> Execution::read(std::size_t rank, const Op& op, bool from_dst,
                                              Elements& elements) {
  const Operand from = operand(rank, op, from_dst);
  if (from.is_shared && op.count > 0) {
    const Access access{Rank{rank}, static_cast<std::uint32_t>(ranks_[rank].next_op)};
    if (const auto conflict = shared_[from.owner].read(from.offset, from.offset + op.count, access,
                                                       ranks_[rank].clock)) {
      return conflict_report(rank, *conflict, false);
    }
  }
  from.contents->read(from.offset, op.count, elements);
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

std::optional<VerifierReport> Execution::write(std::size_t rank, const Op& op, Elements& elements) {
  if (auto report = scale(rank, op, elements)) {
    return report;
  }
  const Operand to = operand(rank, op, true);
  if (to.is_shared && op.count > 0) {
    const Access access{Rank{rank}, static_cast<std::uint32_t>(ranks_[rank].next_op)};
    if (const auto conflict =
            shared_[to.owner].write(to.offset, to.offset + op.count, access, ranks_[rank].clock)) {
      return conflict_report(rank, *conflict, true);
    }
  }
  to.contents->write(to.offset, elements);
  return std::nullopt;
}

std::optional<VerifierReport> Execution::scale(std::size_t rank, const Op& op, Elements& elements) {
  if (!looks_at_values_) {
    return std::nullopt;
  }
  for (auto& piece : elements.pieces) {
    TermId& term = piece.value.term;
    const std::uint64_t begin = op.dst_offset + piece.begin;
    if ((op.flags & kScalePre) != 0) {
      if (!terms_.is_input(term)) {
        return fault(VerifierRule::sound_reduction, rank,
                     str("the prescale is for a rank's own input, and this is ", terms_.text(term)),
                     begin, begin + 1);
      }
      term = terms_.prescaled(term);
    }
    if ((op.flags & kScalePost) != 0) {
      if (terms_.is_postscaled(term) || !terms_.is_complete(term)) {
        return fault(VerifierRule::sound_reduction, rank,
                     str("the postscale is for results, once, and this is ", terms_.text(term)),
                     begin, begin + 1);
      }
      term = terms_.postscaled(term);
    }
  }
  return std::nullopt;
}

std::string Execution::combination_fault(const Value& ours, const Value& theirs) const {
  if (ours.shift != theirs.shift) {
    return "it reduces elements of different places of the vector";
  }
  if (const Rank common = terms_.common_rank(ours.term, theirs.term); common.value >= 0) {
    return str("rank ", common, " is in both operands, ", terms_.text(ours.term), " and ",
               terms_.text(theirs.term));
  }
  if (terms_.is_postscaled(ours.term) || terms_.is_postscaled(theirs.term)) {
    return "an operand is postscaled already";
  }
  if (terms_.is_prescaled(ours.term) != terms_.is_prescaled(theirs.term)) {
    return "one operand is prescaled and the other is not";
  }
  return "";
}

std::optional<VerifierReport> Execution::combine(std::size_t rank, const Op& op, Elements& ours,
                                                 const Elements& theirs) {
  if (!looks_at_values_) {
    return std::nullopt;
  }
  std::vector<PieceMap<Value>::Piece> combined;
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < ours.pieces.size() && j < theirs.pieces.size()) {
    const Value& mine = ours.pieces[i].value;
    const Value& other = theirs.pieces[j].value;
    const std::uint64_t begin = std::max(ours.pieces[i].begin, theirs.pieces[j].begin);
    const std::uint64_t my_end = i + 1 < ours.pieces.size() ? ours.pieces[i + 1].begin : ours.count;
    const std::uint64_t other_end =
        j + 1 < theirs.pieces.size() ? theirs.pieces[j + 1].begin : theirs.count;
    const std::uint64_t end = std::min(my_end, other_end);
    if (const std::string text = combination_fault(mine, other); !text.empty()) {
      return fault(VerifierRule::sound_reduction, rank, text, op.dst_offset + begin,
                   op.dst_offset + end);
    }
    const TermId term = (op.flags & kReverseOperands) != 0 ? terms_.reduced(other.term, mine.term)
                                                           : terms_.reduced(mine.term, other.term);
    combined.push_back({begin, Value{term, mine.shift}});
    i += my_end == end ? 1 : 0;
    j += other_end == end ? 1 : 0;
  }
  ours.pieces = std::move(combined);
  return std::nullopt;
}

void Execution::finish_op(std::size_t rank) {
  if (keeps_clocks_) {
    ranks_[rank].clock[rank] = static_cast<std::uint32_t>(ranks_[rank].next_op + 1);
  }
}

void Execution::learn(std::size_t rank, const VectorClock& clock) {
  if (keeps_clocks_) {
    VectorClock& mine = ranks_[rank].clock;
    std::transform(mine.begin(), mine.end(), clock.begin(), mine.begin(),
                   [](std::uint32_t a, std::uint32_t b) { return std::max(a, b); });
  }
}

VerifierReport Execution::fault(VerifierRule rule, std::size_t rank, const std::string& text,
                                std::uint64_t begin, std::uint64_t end) const {
  return fault_report(schedules_, rule, {rank, ranks_[rank].next_op, begin, end}, text);
}

VerifierReport Execution::conflict_report(std::size_t rank, const Conflict& conflict,
                                          bool writes) const {
  const std::size_t other = conflict.earlier.rank.index();
  return fault(
      VerifierRule::ordered_accesses, rank,
      str("it ", writes ? "writes" : "reads", " what rank ", other, " ",
          conflict.earlier_writes ? "writes" : "reads", " at its op ", conflict.earlier.op_index,
          " '", op_text(schedules_[other].ops[conflict.earlier.op_index]),
          "', and nothing orders the two"),
      conflict.element_begin, conflict.element_end);
}

std::string Execution::waiting_text(std::size_t rank) const {
  const Op& op = schedules_[rank].ops[ranks_[rank].next_op];
  const char* what = op.kind == OpKind::send   ? "for a free slot"
                     : op.kind == OpKind::wait ? "for the flag"
                                               : "for a chunk";
  return str("rank ", rank, " waits at op ", ranks_[rank].next_op, " '", op_text(op), "' ", what);
}

VerifierReport Execution::deadlock_report() const {
  constexpr std::size_t listed_count_max = 8;
  std::string text = str("no rank can go on with ", edge_slot_count_, " slots an edge: ");
  std::size_t first = ranks_.size();
  std::size_t stuck_count = 0;
  for (std::size_t rank = 0; rank < ranks_.size(); ++rank) {
    if (ranks_[rank].next_op == schedules_[rank].ops.size()) {
      continue;
    }
    first = std::min(first, rank);
    if (++stuck_count <= listed_count_max) {
      text += str(stuck_count == 1 ? "" : "; ", waiting_text(rank));
    }
  }
  if (stuck_count > listed_count_max) {
    text += str("; and ", stuck_count - listed_count_max, " more");
  }
  return fault(VerifierRule::no_deadlock, first, text);
}

std::optional<VerifierReport> Execution::leftover_chunk() const {
  for (std::size_t from = 0; from < ranks_.size(); ++from) {
    for (std::size_t to = 0; to < ranks_.size(); ++to) {
      if (edge(from, to).waiting_count() > 0) {
        const std::size_t op_index = edge(from, to).chunks[edge(from, to).taken_count].op_index;
        return fault_report(schedules_, VerifierRule::matching_chunk, {from, op_index, 0, 0},
                            str("rank ", to, " never receives this chunk"));
      }
    }
  }
  return std::nullopt;
}

}  // namespace hvd
