// What Execution says of the faults that it finds.
#include <algorithm>

#include "collectives/schedule_text.h"
#include "collectives/verifier/execution.h"
#include "core/base/str.h"

namespace hvd {

VerifierReport Execution::fault(VerifierRule rule, std::size_t rank, const std::string& text,
                                std::uint64_t begin, std::uint64_t end) const {
  const std::size_t op_index = ranks_[rank].next_op;
  const bool is_at_end = op_index == schedules_[rank].ops.size();
  return fault_report(schedules_, rule,
                      {rank, is_at_end ? VerifierReport::npos : op_index, begin, end}, text);
}

VerifierReport Execution::conflict_report(std::size_t rank, const Conflict& conflict,
                                          bool writes) const {
  const std::size_t other = conflict.earlier.rank.index();
  const std::vector<Op>& others_ops = schedules_[other].ops;
  const std::size_t op_index = conflict.earlier.op_index;
  const bool is_at_end = ranks_[rank].next_op == schedules_[rank].ops.size();
  const bool is_post = op_index < others_ops.size() && others_ops[op_index].kind == OpKind::post;
  const std::string others = op_index < others_ops.size() ? str(is_post ? "first tells of"
                                                                : conflict.earlier_writes ? "writes"
                                                                                          : "reads",
                                                                " at its op ", op_index, " '",
                                                                op_text(others_ops[op_index]), "'")
                                                          : "gives back to its user at its end";
  return fault(VerifierRule::ordered_accesses, rank,
               str("it ",
                   is_at_end ? "gives back to its user"
                   : writes  ? "writes"
                             : "reads",
                   " what rank ", other, " ", others, ", and nothing orders the two"),
               conflict.element_begin, conflict.element_end);
}

std::string Execution::waiting_text(std::size_t rank) const {
  const Op& op = schedules_[rank].ops[ranks_[rank].next_op];
  const char* what = op.kind == OpKind::send       ? "for a free slot"
                     : op.kind == OpKind::wait     ? "for the flag"
                     : op.kind == OpKind::wait_all ? "for the flags of all"
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
