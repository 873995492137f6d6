#include "collectives/verifier/post_condition.h"

#include <algorithm>
#include <utility>
#include <vector>

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

std::string reduced_fault(const Schedule& schedule, const TermTable& terms, const Value& value,
                          std::uint64_t shift) {
  const std::string holds = str("the output holds ", terms.text(value.term));
  if (value.shift != shift) {
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
bool is_reduced(const Schedule& schedule, const TermTable& terms, const Value& value,
                std::uint64_t shift) {
  return value.shift == shift && terms.is_complete(value.term) &&
         terms.is_prescaled(value.term) == schedule.prescale &&
         terms.is_postscaled(value.term) == schedule.postscale;
}

VerifierReport check_same_tree(std::span<const Schedule> schedules, const Execution& execution,
                               const OutputPiece& piece) {
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

// `shift`: the output's first element is that element of the vector.
VerifierReport check_reduction(std::span<const Schedule> schedules, const Execution& execution,
                               std::size_t rank, std::uint64_t shift) {
  const Schedule& schedule = schedules[rank];
  const PieceMap<Value>& pieces = execution.output(rank).pieces();
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const OutputPiece piece{rank, pieces[i].begin, pieces.end_of(i), pieces[i].value};
    if (!is_reduced(schedule, execution.terms(), piece.value, shift)) {
      return piece_fault(schedules, VerifierRule::post_condition, piece,
                         reduced_fault(schedule, execution.terms(), piece.value, shift));
    }
    if (schedule.kind == CollectiveKind::allreduce) {
      VerifierReport report = check_same_tree(schedules, execution, piece);
      if (!report.ok()) {
        return report;
      }
    }
  }
  return {};
}

// A part of an output that is to hold elements of one rank's input.
struct CopiedPart {
  std::uint64_t count = 0;
  std::size_t source = 0;
  std::uint64_t first_element = 0;
};

VerifierReport check_copies(std::span<const Schedule> schedules, const Execution& execution,
                            std::size_t rank, const std::vector<CopiedPart>& parts) {
  const PieceMap<Value>& pieces = execution.output(rank).pieces();
  std::size_t i = 0;
  std::uint64_t begin = 0;
  for (const CopiedPart& part : parts) {
    const std::uint64_t end = begin + part.count;
    const Value expected{execution.terms().input_of(Rank{part.source}), part.first_element - begin};
    while (i < pieces.size() && pieces[i].begin < end) {
      const OutputPiece piece{rank, std::max(pieces[i].begin, begin),
                              std::min(pieces.end_of(i), end), pieces[i].value};
      if (piece.value != expected) {
        return piece_fault(
            schedules, VerifierRule::post_condition, piece,
            str("the output holds elements of ", execution.terms().text(piece.value.term), " from ",
                piece.begin + piece.value.shift, " on; it must hold those of ",
                execution.terms().text(expected.term), " from ", piece.begin + expected.shift,
                " on"));
      }
      if (pieces.end_of(i) > end) {
        break;
      }
      ++i;
    }
    begin = end;
  }
  return {};
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

std::vector<CopiedPart> gathered_parts(const Schedule& schedule) {
  std::vector<CopiedPart> parts;
  for (std::size_t source = 0; source < schedule.counts.size(); ++source) {
    parts.push_back({schedule.counts[source], source, 0});
  }
  return parts;
}

std::size_t sender_of(std::span<const Schedule> schedules) {
  return static_cast<std::size_t>(std::find_if(schedules.begin(), schedules.end(),
                                               [](const Schedule& schedule) {
                                                 return schedule.kind == CollectiveKind::send &&
                                                        schedule.element_count > 0;
                                               }) -
                                  schedules.begin());
}

// The ranks are asked for in their order.
class Promises {
 public:
  explicit Promises(std::span<const Schedule> schedules)
      : schedules_(schedules), sent_before_(schedules.size()), sender_(sender_of(schedules)) {}

  VerifierReport check_next(const Execution& execution) {
    const std::size_t rank = next_rank_++;
    const Schedule& schedule = schedules_[rank];
    const std::uint64_t my_count = schedule.counts.empty() ? 0 : schedule.counts[rank];
    const std::uint64_t before = std::exchange(counts_before_, counts_before_ + my_count);
    switch (schedule.kind) {
      case CollectiveKind::allreduce:
      case CollectiveKind::reduce:
        return check_reduction(schedules_, execution, rank, 0);
      case CollectiveKind::reduce_scatter:
        return check_reduction(schedules_, execution, rank, before);
      case CollectiveKind::broadcast:
        return check_copies(schedules_, execution, rank,
                            {{schedule.element_count, schedule.root.index(), 0}});
      case CollectiveKind::scatter:
        return check_copies(schedules_, execution, rank,
                            {{my_count, schedule.root.index(), before}});
      case CollectiveKind::allgather:
      case CollectiveKind::gather:
        return check_copies(schedules_, execution, rank, gathered_parts(schedule));
      case CollectiveKind::alltoall:
        return check_copies(schedules_, execution, rank, exchanged_parts(rank));
      case CollectiveKind::recv:
        return check_copies(schedules_, execution, rank, {{schedule.element_count, sender_, 0}});
      case CollectiveKind::barrier:
      case CollectiveKind::send:
        return {};
    }
    return {};
  }

 private:
  std::vector<CopiedPart> exchanged_parts(std::size_t rank) {
    std::vector<CopiedPart> parts;
    for (std::size_t source = 0; source < schedules_.size(); ++source) {
      const std::uint64_t count = schedules_[source].send_counts[rank];
      parts.push_back(
          {count, source, std::exchange(sent_before_[source], sent_before_[source] + count)});
    }
    return parts;
  }

  const std::span<const Schedule> schedules_;
  std::size_t next_rank_ = 0;
  std::uint64_t counts_before_ = 0;         // elements of the ranks before the next one
  std::vector<std::uint64_t> sent_before_;  // by each rank, to the ranks before the next one
  const std::size_t sender_;
};

}  // namespace

VerifierReport check_post_condition(std::span<const Schedule> schedules,
                                    const Execution& execution) {
  if (schedules.front().kind == CollectiveKind::barrier) {
    return check_barrier(schedules, execution);
  }
  Promises promises(schedules);
  for (std::size_t rank = 0; rank < schedules.size(); ++rank) {
    VerifierReport report = promises.check_next(execution);
    if (!report.ok()) {
      return report;
    }
  }
  return {};
}

}  // namespace hvd
