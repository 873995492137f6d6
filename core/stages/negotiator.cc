#include "core/stages/negotiator.h"

#include <utility>

namespace hvd {
namespace {

Status status_of(const AnsweredGroup& group, const std::string& name) {
  return Status(group.code, group.error_text).about_tensor(name).blame_rank(group.culprit.value);
}

}  // namespace

void describe(const Operation& operation, Rank self, ReadyEntry& entry) {
  describe(operation.request, self, entry);
  entry.waited = operation.after_wait;
  entry.age = operation.waited_in_plan;
  for (const Operation& member : operation.members) {
    const Request& request = member.request;
    entry.members.push_back({request.input.dtype, request.within_reach, request.input.shape});
  }
}

void Negotiator::add(const OperationPtr& operation, std::vector<Outcome>& failed) {
  const std::string& name = operation->request.name;
  const auto owed = owed_.find(name);
  if (owed != owed_.end()) {
    failed.push_back({operation, owed->second.front().in_context("this rank came too late")});
    owed->second.pop_front();
    if (owed->second.empty()) {
      owed_.erase(owed);
    }
    return;
  }
  Pending& pending = pending_.insert(name).first->second;
  pending.operation = operation;
  pending.answered.clear();
  pending.answered_count = 0;
  unannounced_.push_back(operation);
}

void Negotiator::take_announcements(ReadyMessage& message) {
  message.answers_seen = answers_seen_;
  message.entries.resize(unannounced_.size());
  for (std::size_t i = 0; i < unannounced_.size(); ++i) {
    describe(*unannounced_[i], self_, message.entries[i]);
  }
  unannounced_.clear();
}

Status Negotiator::on_answer(const AnswerMessage& answer, ReusedList<AgreedGroup>& agreed,
                             std::vector<Outcome>& failed) {
  if (answer.sequence <= answers_seen_) {
    return error(StatusCode::internal, "answer ", answer.sequence, " came after answer ",
                 answers_seen_);
  }
  answers_seen_ = answer.sequence;
  for (const AnsweredGroup& group : answer.groups) {
    if (group.code != StatusCode::ok) {
      fail_group(group, failed);
      continue;
    }
    AgreedGroup& ready = agreed.add();
    ready.answer = &group;
    ready.stream = WorkStream::negotiated;
    ready.item = group.item;
    ready.operations.clear();
    HVD_TRY(take_group(group, ready));
  }
  return ok_status();
}

// The operation outlives its name's place here.
void Negotiator::forget(PendingByName::iterator at) {
  const OperationPtr has_the_name = std::move(at->second.operation);
  pending_.erase(at);
}

Status Negotiator::take_group(const AnsweredGroup& group, AgreedGroup& ready) {
  for (const std::string& name : group.names) {
    const auto at = pending_.find(name);
    if (at == pending_.end()) {
      return error(StatusCode::internal, "the root answered '", name,
                   "', which this rank has not submitted");
    }
    Pending& pending = at->second;
    const bool grouped = !pending.operation->members.empty();
    if (grouped == group.members.empty()) {
      return error(StatusCode::internal, "the root answered '", name, "' as ",
                   grouped ? "one tensor" : "a group of tensors", ", which this rank did not ask");
    }
    if (grouped) {
      HVD_TRY(take_members(group.members, pending, ready));
    } else {
      ready.operations.push_back(pending.operation);
    }
    if (!grouped || pending.answered_count == pending.answered.size()) {
      forget(at);
    }
  }
  return ok_status();
}

// Each member once, however broken the root may be: its memory would be written twice at a time.
Status Negotiator::take_members(const std::vector<MemberRun>& runs, Pending& pending,
                                AgreedGroup& ready) {
  pending.answered.resize(pending.operation->members.size());
  for (const MemberRun& run : runs) {
    for (std::uint64_t i = run.first; i < std::uint64_t{run.first} + run.count; ++i) {
      if (i >= pending.answered.size() || pending.answered[i]) {
        return error(StatusCode::internal, "the root answered tensor ", i + 1, " of '",
                     pending.operation->request.name,
                     i < pending.answered.size() ? "' twice" : "', which does not exist");
      }
      pending.answered[i] = true;
      ++pending.answered_count;
      ready.operations.push_back(member_of(pending.operation, i));
    }
  }
  return ok_status();
}

void Negotiator::append_unanswered(const Pending& pending,
                                   std::vector<OperationPtr>& operations) const {
  if (pending.answered_count == 0) {
    operations.push_back(pending.operation);
    return;
  }
  for (std::size_t i = 0; i < pending.answered.size(); ++i) {
    if (!pending.answered[i]) {
      operations.push_back(member_of(pending.operation, i));
    }
  }
}

void Negotiator::fail_group(const AnsweredGroup& group, std::vector<Outcome>& failed) {
  for (const std::string& name : group.names) {
    const auto at = pending_.find(name);
    if (at != pending_.end()) {
      std::vector<OperationPtr> operations;
      append_unanswered(at->second, operations);
      for (OperationPtr& operation : operations) {
        failed.push_back({std::move(operation), status_of(group, name)});
      }
      forget(at);
    } else if (group.code == StatusCode::deadline_exceeded) {
      owed_[name].push_back(status_of(group, name));
    }
    // Any other failure of a name that is not pending here is none of this rank's business: it is
    // about a rank that ended, and a later submission gets an answer of its own.
  }
}

std::vector<OperationPtr> Negotiator::take_all() {
  std::vector<OperationPtr> all;
  all.reserve(pending_.size());
  for (const auto& [name, pending] : pending_) {
    append_unanswered(pending, all);
  }
  pending_.clear();
  unannounced_.clear();
  return all;
}

}  // namespace hvd
