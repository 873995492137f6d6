// core/stages/negotiator.h: one rank's half of the negotiation: what it announced and what came
// back. Sans-I/O. Not here: deciding (root_negotiator.h), running (dispatcher.h). Threads: one at a
// time (the baton holder).  Limits: O(pending names) memory. Read next: coordinator.h.
#pragma once

#include <algorithm>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/base/reused_list.h"
#include "core/base/reused_map.h"
#include "core/stages/messages.h"
#include "core/stages/operation.h"

namespace hvd {

// An answered group with this rank's operations, in the group's order; of a grouped operation its
// members.
struct AgreedGroup {
  const AnsweredGroup* answer = nullptr;  // in the message or the plan that it came with
  WorkStream stream = WorkStream::negotiated;
  std::uint64_t item = 0;  // WorkItem::id
  std::vector<OperationPtr> operations;
};

// An operation and its outcome.
struct Outcome {
  OperationPtr operation;
  Status status;
};

// What the root has to know of the operation, with the tensors of a grouped one.
void describe(const Operation& operation, Rank self, ReadyEntry& entry);

class Negotiator {
 public:
  explicit Negotiator(Rank self) : self_(self) {}

  // Queues the announcement. An operation whose name has failed everywhere before it came fails
  // now.
  void add(const OperationPtr& operation, std::vector<Outcome>& failed);
  // Whether a use of the name has failed everywhere before it came here.
  bool owes(const std::string& name) const { return !owed_.empty() && owed_.contains(name); }
  // Takes the operations that the plan knows() back from the negotiation: they go by it now.
  template <typename Plan>
  std::vector<OperationPtr> take_back(const Plan& plan);
  bool has_announcements() const { return !unannounced_.empty(); }
  // Sets all of the message, in the memory that it has.
  void take_announcements(ReadyMessage& message);

  // Sorts an answer into what runs (in order) and what fails. A Status is a broken protocol; what
  // is in `agreed` then was pending and must fail too.
  Status on_answer(const AnswerMessage& answer, ReusedList<AgreedGroup>& agreed,
                   std::vector<Outcome>& failed);

  // Everything that is not answered yet, for an abort or a shutdown; forgets it.
  std::vector<OperationPtr> take_all();
  std::size_t pending_count() const { return pending_.size(); }

 private:
  struct Pending {
    OperationPtr operation;
    // Of a grouped operation, whose members are answered together but maybe in several messages.
    std::vector<bool> answered = {};
    std::size_t answered_count = 0;
  };

  using PendingByName = ReusedMap<std::string_view, Pending>;  // the operation has the name

  Status take_group(const AnsweredGroup& group, AgreedGroup& ready);
  Status take_members(const std::vector<MemberRun>& runs, Pending& pending, AgreedGroup& ready);
  void fail_group(const AnsweredGroup& group, std::vector<Outcome>& failed);
  void append_unanswered(const Pending& pending, std::vector<OperationPtr>& operations) const;

  void forget(PendingByName::iterator at);

  const Rank self_;
  PendingByName pending_;
  // Errors of names that were not pending here when they failed: the next submissions' outcomes,
  // one each, so that the n-th use of a name stays the n-th on all ranks.
  std::unordered_map<std::string, std::deque<Status>> owed_;
  std::vector<OperationPtr> unannounced_;
  std::uint64_t answers_seen_ = 0;
};

template <typename Plan>
std::vector<OperationPtr> Negotiator::take_back(const Plan& plan) {
  std::vector<OperationPtr> taken;
  for (auto at = pending_.begin(); at != pending_.end();) {
    if (!plan.knows(at->second.operation->request)) {
      ++at;
      continue;
    }
    taken.push_back(std::move(at->second.operation));
    at = pending_.erase(at);
  }
  std::erase_if(unannounced_, [&](const OperationPtr& operation) {
    return std::find(taken.begin(), taken.end(), operation) != taken.end();
  });
  return taken;
}

}  // namespace hvd
