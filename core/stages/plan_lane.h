// core/stages/plan_lane.h: one rank's half of a learned plan: what it has of each position, how far
// it is committed, and what is open. Sans-I/O.
// Not here: learning (plan_learner.h), ending a plan (plan_keeper.h), words on their way
// (ports/word_board.h).  Threads: one at a time (the baton holder).
// Limits: one plan at a time.  Read next: docs/decisions/0015, plan_keeper.h, then planned_work.cc.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/base/fifo.h"
#include "core/base/text_hash.h"
#include "core/stages/negotiator.h"

namespace hvd {

// A position is a group of the plan in one of its cycles; positions count through all cycles. When
// all tensors of the next position have been submitted here, the rank is committed to it and says
// so by its word, the number of positions that it is committed to. A position is open, and starts,
// once the words of all ranks have passed it: then whatever starts will be finished.
class PlanLane {
 public:
  // What waiting operations ask for; see look().
  struct Wish {
    bool thaw = false;
    std::vector<std::string> nudges = {};  // names to be asked about
    Time next_look = kNever;
  };
  struct Patience {
    Nanos grace = kMillisecond;  // of a waiter whose operation cannot be committed to
    Nanos nudge = kSecond;       // of a waiter, until it asks the others; then twice as long
    Nanos stall = 5 * kSecond;   // of anybody: longer waits are the root's to judge

    // Until when the operation may stay: the root has to have half of its deadline left.
    Time stays_until(const Operation& operation) const;
  };

  explicit PlanLane(Rank self) : self_(self) {}

  bool active() const { return epoch_ != 0; }
  std::uint32_t epoch() const { return epoch_; }  // 0: no plan
  // The plan's first cycle begins. A Status is a broken plan.
  Status begin(const PlanMessage& plan);
  // Whether the operation is one of the plan's.
  bool knows(const Request& request) const;
  // True if it is: it is the lane's now. One that is not as the plan has it makes the lane
  // deviate().
  bool add(const OperationPtr& operation);
  bool deviates() const { return !held_.empty(); }

  // Commits to what is complete; true if that was anything. Nothing after stop().
  bool commit();
  void stop() { stopped_ = true; }
  std::uint64_t committed() const { return committed_; }
  std::uint64_t started() const { return started_; }
  // Committed to, not open yet.
  bool waits_for_gate() const { return started_ < committed_; }
  // The next position, if it is among the first `open`; false if there is none to start.
  bool start_next(std::uint64_t open, AgreedGroup& group);

  // The plan is over: what has not been started.
  std::vector<OperationPtr> end();

  std::size_t pending_count() const { return pending_count_; }
  // What is to be done for the sake of those that wait: the plan ends where one waits for what this
  // rank cannot commit to, the others are asked where it waits for them, and what has waited for
  // long is left to the root, which names who is missing.
  Wish look(Time now, const Patience& patience);
  // Whether this rank has the operation and is not committed to it.
  bool holds_back(std::string_view name) const;

 private:
  struct Place {  // of one tensor of a group
    std::size_t group = 0;
    std::size_t tensor = 0;
  };
  struct Uses {                              // of one name within a cycle
    std::vector<std::vector<Place>> places;  // by use
    std::uint64_t count = 0;                 // uses since the plan began
    std::uint64_t first_unnamed = 0;         // of an unnamed family: the number of its first use
  };
  struct GroupState {
    std::vector<OperationPtr> came;  // by tensor, of the next cycle to be committed to
    std::size_t missing = 0;
  };
  struct Early {  // of a cycle after the next; only unnamed operations can be
    Place place;
    std::uint64_t cycle = 0;
    OperationPtr operation;
  };

  Status sort_uses();
  bool is_one_use(const std::vector<Place>& places) const;
  bool concerns(const Uses& uses, const Request& request) const;
  // Of the operation that described_ describes.
  bool fits(const PlanGroup& group, std::size_t tensor, const Operation& operation) const;
  bool fits_members(const PlanGroup& group, const ReadyEntry& planned,
                    const Operation& operation) const;
  void arrive(const Place& place, std::uint64_t cycle, const OperationPtr& operation);
  std::uint64_t next_cycle_of(std::size_t group) const;
  void commit_group(std::size_t index);
  void take_early(std::size_t group);
  void look_at(Operation& operation, bool committed, Time now, const Patience& patience,
               Wish& wish) const;

  const Rank self_;
  std::uint32_t epoch_ = 0;
  PlanMessage plan_;
  std::vector<GroupState> groups_;
  std::unordered_map<std::string, Uses, TextHash, std::equal_to<>> uses_;
  std::vector<Early> early_;
  std::vector<OperationPtr> held_;                // not as the plan has them
  Fifo<std::vector<OperationPtr>> waiting_;       // committed to and not started, by position
  std::vector<std::vector<OperationPtr>> spare_;  // memory for them
  std::uint64_t committed_ = 0;
  std::uint64_t started_ = 0;
  std::uint64_t items_before_ = 0;  // positions that earlier plans have started
  std::size_t pending_count_ = 0;   // operations of the lane that are not started
  bool stopped_ = false;
  ReadyEntry described_;  // of the operation at hand; kept for its memory
};

}  // namespace hvd
