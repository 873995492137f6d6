// core/stages/root_negotiator.h: the root's mind: which names are ready everywhere, who is missing.
// Sans-I/O: submissions and time in, decisions and warnings out.
// Not here: messages on the wire (coordinator.h), fusing what was decided (fusion.h).
// Threads: one at a time (the baton holder).  Limits: O(pending names) memory.
// Read next: tests/core/stages/root_negotiator_test.cc, tests/sim.
#pragma once

#include <iterator>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/base/clock.h"
#include "core/base/reused_list.h"
#include "core/base/reused_map.h"
#include "core/stages/job_ranks.h"
#include "core/stages/messages.h"
#include "core/stages/mismatch.h"

namespace hvd {

// A grouped operation that is ok is a decision for each of its tensors, one behind the other.
struct Decision {
  Status status;     // ok: run it; else every rank that has it pending fails it
  ReadyEntry entry;  // of the first rank that submitted, a scatter's of its root; the name at least
  std::vector<std::int64_t> rows = {};  // of what is ok: AnsweredGroup::rows, where equal for all
  // alltoall that is ok and not even: by rank that sends, the rows for each rank.
  std::vector<std::vector<std::int64_t>> splits = {};
  std::vector<Rank> members = {};            // whom it concerns; empty: all
  std::optional<std::uint32_t> tensor = {};  // which one of a grouped operation `entry` is
};

class RootNegotiator {
 public:
  struct Limits {
    Nanos stall_warning = 10 * kSecond;  // 0: never warn
  };
  RootNegotiator(const JobRanks& ranks, Limits limits);

  // A rank's submissions. `answers_seen` tells which of them crossed an error answer.
  void on_ready(Rank from, const ReadyMessage& message, Time now);
  // The rank submits no more: whatever still needs it fails, now and later.
  void on_goodbye(Rank from);

  // What has been decided since the last call, in the order to be answered, but no more than fits
  // into an answer of about `bytes_most` (one decision at least). Answers carry `sequence`; errors
  // remember it for ranks that have not submitted yet. `taken` is cleared first.
  void take_decisions(std::uint64_t sequence, std::size_t bytes_most, ReusedList<Decision>& taken);

  // When on_timer wants to be called: the next warning or deadline.
  Time next_timer() const { return next_timer_; }
  // Decides what is overdue; returns texts to warn about what waits long.
  std::vector<std::string> on_timer(Time now);

  // Forgets the announcements that `dropped` says of: their operations go another way now.
  template <typename Dropped>
  void drop(const Dropped& dropped) {
    for (auto at = pending_.begin(); at != pending_.end();) {
      at = dropped(at->second.first) ? forget(at) : std::next(at);
    }
  }
  bool has_decisions() const { return !decisions_.empty(); }
  std::size_t pending_count() const { return pending_.size(); }

 private:
  // What each rank says of one tensor's rows.
  struct Parts {
    std::vector<std::int64_t> rows;  // first dimension by rank, where each has its own
    std::vector<std::vector<std::int64_t>> splits;  // alltoall, once somebody gave some
  };
  struct Pending {
    std::vector<RankEntry> differing;  // entries that are not the same operation as `first`
    ReadyEntry first;
    Rank first_rank;
    std::vector<bool> came;
    std::vector<Rank> members;  // the two of a point-to-point; empty: all
    std::vector<Parts> parts;   // one for each tensor, where the kind has counts
    int came_count = 0;
    Time since = 0;
    Time deadline = kNever;
    Nanos deadline_length = 0;
    Time next_warning = kNever;
    Nanos warning_pause = 0;
  };
  using PendingByName = ReusedMap<std::string, Pending>;

  // A name that failed before all ranks had submitted it: the others' submissions, when they come,
  // belong to that failure.
  struct Owed {
    std::uint64_t sequence = UINT64_MAX;  // not answered yet
    std::vector<bool> by_rank;
  };
  struct LastSubmit {
    std::string name;
    Time at = 0;
  };

  void add(Rank from, const ReadyEntry& entry, Time now);
  void begin(Rank from, const ReadyEntry& entry, Time now, Pending& pending) const;
  PendingByName::iterator forget(PendingByName::iterator at);
  // The caller gives it its entry.
  Decision& decide(Status status, const std::vector<Rank>& members);
  void fail(Status status, const std::string& name, const std::vector<Rank>& members);
  void note_parts(Rank from, const ReadyEntry& entry, Pending& pending) const;
  void note_rows(Rank from, std::int64_t rows, Parts& parts) const;
  bool needs(const Pending& pending, Rank rank) const;
  std::size_t member_count(const Pending& pending) const;
  bool crossed(Rank from, const std::string& name, std::uint64_t answers_seen);
  void settle_owed(Rank from, std::uint64_t answers_seen);
  void decide_complete(PendingByName::iterator at);
  void decide_members(Pending& pending);
  Status agree(const Pending& pending) const;
  Status disagreement(const Pending& pending) const;
  Status check_size(const Pending& pending) const;
  void give_parts(const ReadyEntry& entry, Parts parts, Decision& decision) const;
  void fail_for_lack_of(Rank gone, const std::string& name, const Pending& pending);
  std::vector<Rank> missing(const Pending& pending) const;
  std::vector<Rank> present(const Pending& pending) const;
  std::string missing_text(const Pending& pending, Time now) const;
  Status deadline_status(const Pending& pending, Time now) const;
  void note_timer(const Pending& pending);

  const JobRanks& ranks_;
  const Limits limits_;
  PendingByName pending_;
  std::unordered_map<std::string, Owed> owed_;
  ReusedList<Decision> decisions_;
  std::vector<bool> gone_;
  std::vector<LastSubmit> last_submit_;
  Time next_timer_ = kNever;
};

}  // namespace hvd
