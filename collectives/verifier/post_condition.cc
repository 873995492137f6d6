#include "collectives/verifier/post_condition.h"

namespace hvd {
namespace {

struct OutputPiece {
  std::size_t rank;
  std::uint64_t begin;
  std::uint64_t end;
  Value value;
};

VerifierReport piece_fault(std::span<const Schedule> schedules, VerifierRule rule,
                           const OutputPiece& piece, const std::string& text) {
  return fault_report(schedules, rule, {piece.rank, VerifierReport::npos, piece.begin, piece.end},
                      text);
}

std::string reduced_fault(const Schedule& schedule, const TermTable& terms, const Value& value) {
  const std::string holds = str("the output holds ", terms.text(value.term));
  if (value.shift != 0) {
    return str(holds, " of other elements");
  }
  if (const Rank missing = terms.missing_rank(value.term); missing.value >= 0) {
    return str(holds, ", without rank ", missing);
  }
  if (terms.is_prescaled(value.term) != schedule.prescale) {
    return str(holds, ", and the contributions were to be ",
               schedule.prescale ? "prescaled" : "left as they are");
  }
  if (terms.is_postscaled(value.term) != schedule.postscale) {
    return str(holds, ", and the result was to be ",
               schedule.postscale ? "postscaled" : "left as it is");
  }
  return "";
}

// The text is made only for a fault: this is asked for every piece of every rank.
bool is_reduced(const Schedule& schedule, const TermTable& terms, const Value& value) {
  return value.shift == 0 && terms.is_complete(value.term) &&
         terms.is_prescaled(value.term) == schedule.prescale &&
         terms.is_postscaled(value.term) == schedule.postscale;
}

VerifierReport check_allreduce(std::span<const Schedule> schedules, const Execution& execution,
                               const OutputPiece& piece) {
  const Schedule& schedule = schedules[piece.rank];
  if (!is_reduced(schedule, execution.terms(), piece.value)) {
    return piece_fault(schedules, VerifierRule::post_condition, piece,
                       reduced_fault(schedule, execution.terms(), piece.value));
  }
  const PieceMap<Value>& first = execution.output(0).pieces();
  for (std::size_t i = first.find(piece.begin); i < first.size() && first[i].begin < piece.end;
       ++i) {
    if (first[i].value.term != piece.value.term) {
      return piece_fault(schedules, VerifierRule::same_tree, piece,
                         str("the output is ", execution.terms().text(piece.value.term),
                             ", on rank 0 it is ", execution.terms().text(first[i].value.term)));
    }
  }
  return {};
}

VerifierReport check_copy(std::span<const Schedule> schedules, const Execution& execution,
                          const OutputPiece& piece, const Value& expected) {
  if (piece.value == expected) {
    return {};
  }
  return piece_fault(
      schedules, VerifierRule::post_condition, piece,
      str("the output holds elements of ", execution.terms().text(piece.value.term), " from ",
          piece.begin + piece.value.shift, " on; it must hold those of ",
          execution.terms().text(expected.term), " from ", piece.begin + expected.shift, " on"));
}

VerifierReport check_allgather(std::span<const Schedule> schedules, const Execution& execution,
                               const OutputPiece& piece) {
  std::uint64_t offset = 0;
  const std::vector<std::uint64_t>& counts = schedules[piece.rank].counts;
  for (std::size_t source = 0; source < counts.size(); ++source) {
    const OutputPiece part{piece.rank, std::max(piece.begin, offset),
                           std::min(piece.end, offset + counts[source]), piece.value};
    if (part.begin < part.end) {
      const Value expected{execution.terms().input_of(Rank{source}), 0 - offset};
      VerifierReport report = check_copy(schedules, execution, part, expected);
      if (!report.ok()) {
        return report;
      }
    }
    offset += counts[source];
  }
  return {};
}

VerifierReport check_piece(std::span<const Schedule> schedules, const Execution& execution,
                           const OutputPiece& piece) {
  const Schedule& schedule = schedules[piece.rank];
  switch (schedule.kind) {
    case CollectiveKind::allreduce:
      return check_allreduce(schedules, execution, piece);
    case CollectiveKind::broadcast:
      return check_copy(schedules, execution, piece,
                        Value{execution.terms().input_of(schedule.root), 0});
    case CollectiveKind::allgather:
      return check_allgather(schedules, execution, piece);
    case CollectiveKind::barrier:
      return {};
    default:
      return fault_report(
          schedules, VerifierRule::post_condition,
          {piece.rank, VerifierReport::npos, piece.begin, piece.end},
          str("nothing is known yet of what a ", collective_name(schedule.kind), " is to leave"));
  }
}

VerifierReport check_barrier(std::span<const Schedule> schedules, const Execution& execution) {
  for (std::size_t rank = 0; rank < schedules.size(); ++rank) {
    for (std::size_t other = 0; other < schedules.size(); ++other) {
      if (rank != other && execution.clock(rank)[other] == 0) {
        return fault_report(schedules, VerifierRule::post_condition,
                            {rank, VerifierReport::npos, 0, 0},
                            str("it may leave the barrier before rank ", other, " has come"));
      }
    }
  }
  return {};
}

}  // namespace

VerifierReport check_post_condition(std::span<const Schedule> schedules,
                                    const Execution& execution) {
  if (schedules.front().kind == CollectiveKind::barrier) {
    return check_barrier(schedules, execution);
  }
  for (std::size_t rank = 0; rank < schedules.size(); ++rank) {
    const PieceMap<Value>& pieces = execution.output(rank).pieces();
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      const OutputPiece piece{rank, pieces[i].begin, pieces.end_of(i), pieces[i].value};
      VerifierReport report = check_piece(schedules, execution, piece);
      if (!report.ok()) {
        return report;
      }
    }
  }
  return {};
}

}  // namespace hvd
