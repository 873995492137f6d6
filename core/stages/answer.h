// core/stages/answer.h: what the root tells each rank of its decisions.
// Most answers are equal for all ranks and are encoded once. Two kinds are not: of point-to-point
// only two ranks hear, and of an alltoall with splits each rank is told what it receives, its own
// column of a table that only the root has.
// Not here: deciding (root_negotiator.h), sending (coordinator.h).  Threads: values.
// Limits: such a table has a number for each pair of ranks.  Read next: coordinator.h.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/base/reused_list.h"
#include "core/ports/data_plane.h"
#include "core/stages/root_negotiator.h"

namespace hvd {

class Answer {
 public:
  // Another answer, of so many groups, in the memory of the one before.
  void begin(std::uint64_t sequence, std::size_t group_count);
  // The decision's failure.
  void add_failed(Decision& decision);
  // `members` are decisions that go together (fusion.h), by index. Takes their names and rows.
  void add_agreed(std::span<Decision> decisions, std::span<const std::size_t> members,
                  ScheduleChoice choice, std::uint64_t item);

  bool same_for_all() const { return same_for_all_; }
  // Of all ranks, if that is so.
  const AnswerMessage& for_all() const { return message_; }
  // No groups: the rank need not be told.
  AnswerMessage for_rank(Rank rank) const;

 private:
  // What makes a group differ from rank to rank.
  struct Audience {
    std::vector<Rank> members;                      // empty: all ranks
    std::vector<std::vector<std::int64_t>> splits;  // Decision::splits
  };
  AnsweredGroup& add(Decision& decision);

  AnswerMessage message_;
  ReusedList<Audience> audiences_;  // of the groups
  bool same_for_all_ = true;
};

// Of a group's decisions, before add_agreed takes them.
WorkShape work_shape(std::span<const Decision> decisions, std::span<const std::size_t> members);

}  // namespace hvd
