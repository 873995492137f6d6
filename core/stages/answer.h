// core/stages/answer.h: what the root tells each rank of its decisions.
// Most answers are equal for all ranks and are encoded once. Two kinds are not: of point-to-point
// only two ranks hear, and of an alltoall with splits each rank is told what it receives, its own
// column of a table that only the root has.
// Not here: deciding (root_negotiator.h), sending (coordinator.h).  Threads: values.
// Limits: such a table has a number for each pair of ranks.  Read next: coordinator.h.
#pragma once

#include <cstdint>
#include <vector>

#include "core/ports/data_plane.h"
#include "core/stages/root_negotiator.h"

namespace hvd {

// Decisions that travel as one group.
struct DecidedGroup {
  AnsweredGroup answer;
  std::vector<Rank> members;                      // empty: all ranks
  std::vector<std::vector<std::int64_t>> splits;  // Decision::splits
};

class Answer {
 public:
  explicit Answer(std::uint64_t sequence) : sequence_(sequence) {}
  void add(DecidedGroup group);

  bool same_for_all() const { return same_for_all_; }
  // No groups: the rank need not be told.
  AnswerMessage for_rank(Rank rank) const;

 private:
  std::uint64_t sequence_;
  std::vector<DecidedGroup> groups_;
  bool same_for_all_ = true;
};

DecidedGroup failed_group(const Decision& decision);
// `members` are decisions that go together (fusion.h), by index.
DecidedGroup agreed_group(std::vector<Decision>& decisions,
                          const std::vector<std::size_t>& members);
// Of a group's decisions, which agreed_group has not taken yet.
WorkShape work_shape(const std::vector<Decision>& decisions,
                     const std::vector<std::size_t>& members);

}  // namespace hvd
