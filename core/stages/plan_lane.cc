#include "core/stages/plan_lane.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/stages/mismatch.h"

namespace hvd {
namespace {

std::string_view family_of(const Request& request) {
  return request.unnamed == 0 ? std::string_view(request.name) : unnamed_family(request.name);
}

// Where the kind has counts, how many rows this rank gives; the plan's answer says it of all ranks.
bool right_rows(const AnsweredGroup& answer, const Request& request, Rank self) {
  switch (request.kind) {
    case CollectiveKind::allgather:
      return answer.rows[self.index()] == request.input.shape[0];
    case CollectiveKind::alltoall: {
      const auto rank_count = static_cast<std::int64_t>(answer.rows.size());
      return request.splits.empty() &&
             request.input.shape[0] == answer.rows[self.index()] * rank_count;
    }
    default:
      return true;  // the shape says it
  }
}

}  // namespace

Status PlanLane::begin(const PlanMessage& plan) {
  HVD_CHECK(pending_count_ == 0);
  plan_ = plan;
  epoch_ = plan.epoch;
  stopped_ = false;
  committed_ = 0;
  started_ = 0;
  uses_.clear();
  groups_.clear();
  for (const PlanGroup& group : plan_.groups) {
    const std::size_t count = group.tensors.size();
    groups_.push_back({std::vector<OperationPtr>(count), count});
  }
  return sort_uses();
}

Status PlanLane::sort_uses() {
  for (std::size_t g = 0; g < plan_.groups.size(); ++g) {
    const PlanGroup& group = plan_.groups[g];
    for (std::size_t t = 0; t < group.tensors.size(); ++t) {
      const PlanTensor& tensor = group.tensors[t];
      Uses& uses = uses_[tensor.entry.name];
      uses.places.resize(std::max<std::size_t>(uses.places.size(), tensor.use + std::size_t{1}));
      uses.places[tensor.use].push_back({g, t});
      if (tensor.use == 0) {
        uses.first_unnamed = tensor.entry.unnamed;
      }
    }
  }
  for (const PlanGroup& group : plan_.groups) {
    const CollectiveKind kind = group.tensors.front().entry.kind;
    if (has_counts(kind) && group.answer.rows.empty()) {
      return error(StatusCode::internal, "the root's plan has no rows for '",
                   group.answer.names.front(), "'");
    }
  }
  for (const auto& [name, uses] : uses_) {
    for (const std::vector<Place>& places : uses.places) {
      if (!is_one_use(places)) {
        return error(StatusCode::internal, "the root's plan does not have each use of '", name,
                     "', and each of its tensors, once");
      }
    }
  }
  return ok_status();
}

// One tensor, or each tensor of a grouped operation once, however many groups they are in.
bool PlanLane::is_one_use(const std::vector<Place>& places) const {
  if (places.empty()) {
    return false;
  }
  const auto tensor_at = [this](const Place& place) -> const PlanTensor& {
    return plan_.groups[place.group].tensors[place.tensor];
  };
  const std::size_t count = tensor_at(places.front()).entry.members.size();
  if (count == 0) {
    return places.size() == 1;
  }
  std::vector<bool> seen(count, false);
  std::size_t seen_count = 0;
  for (const Place& place : places) {
    for (const MemberRun& run : plan_.groups[place.group].answer.members) {
      for (std::uint64_t i = run.first; i < std::uint64_t{run.first} + run.count; ++i) {
        if (i >= count || seen[i] || tensor_at(place).entry.members.size() != count) {
          return false;
        }
        seen[i] = true;
        ++seen_count;
      }
    }
  }
  return seen_count == count;
}

bool PlanLane::knows(const Request& request) const {
  const auto found = uses_.find(family_of(request));
  return found != uses_.end() && concerns(found->second, request);
}

// Of an unnamed family, what came before the plan's first was announced.
bool PlanLane::concerns(const Uses& uses, const Request& request) const {
  return active() && (uses.first_unnamed != 0) == (request.unnamed != 0) &&
         request.unnamed >= uses.first_unnamed;
}

bool PlanLane::add(const OperationPtr& operation) {
  const Request& request = operation->request;
  const auto found = uses_.find(family_of(request));
  if (found == uses_.end() || !concerns(found->second, request)) {
    return false;
  }
  Uses& uses = found->second;
  const std::uint64_t use =
      request.unnamed != 0 ? request.unnamed - uses.first_unnamed : uses.count++;
  const std::uint64_t cycle = use / uses.places.size();
  const std::vector<Place>& places = uses.places[use % uses.places.size()];
  ++pending_count_;
  operation->nudge_pause = 0;
  describe(*operation, self_, described_);
  const bool as_planned = std::all_of(places.begin(), places.end(), [&](const Place& place) {
    return fits(plan_.groups[place.group], place.tensor, *operation);
  });
  if (!as_planned) {
    held_.push_back(operation);
    return true;
  }
  for (const Place& place : places) {
    arrive(place, cycle, operation);
  }
  return true;
}

// Ranks may have other rows, and memory that the others reach or not: no mismatch, but another
// plan.
bool PlanLane::fits(const PlanGroup& group, std::size_t tensor, const Operation& operation) const {
  const ReadyEntry& planned = group.tensors[tensor].entry;
  if (!same_operation(planned, described_)) {
    return false;
  }
  if (!planned.members.empty()) {
    return fits_members(group, planned, operation);
  }
  return (!planned.within_reach || described_.within_reach) &&
         right_rows(group.answer, operation.request, self_);
}

bool PlanLane::fits_members(const PlanGroup& group, const ReadyEntry& planned,
                            const Operation& operation) const {
  for (const MemberRun& run : group.answer.members) {
    for (std::uint64_t i = run.first; i < std::uint64_t{run.first} + run.count; ++i) {
      if (i >= operation.members.size() ||
          (planned.members[i].within_reach && !described_.members[i].within_reach) ||
          !right_rows(group.answer, operation.members[i].request, self_)) {
        return false;
      }
    }
  }
  return true;
}

std::uint64_t PlanLane::next_cycle_of(std::size_t group) const {
  return committed_ / groups_.size() + (group < committed_ % groups_.size() ? 1 : 0);
}

void PlanLane::arrive(const Place& place, std::uint64_t cycle, const OperationPtr& operation) {
  GroupState& state = groups_[place.group];
  if (cycle != next_cycle_of(place.group)) {
    early_.push_back({place, cycle, operation});
    return;
  }
  state.came[place.tensor] = operation;
  --state.missing;
}

bool PlanLane::commit() {
  const std::uint64_t before = committed_;
  while (active() && !stopped_) {
    const std::size_t next = committed_ % groups_.size();
    if (groups_[next].missing > 0) {
      break;
    }
    commit_group(next);
  }
  return committed_ != before;
}

void PlanLane::commit_group(std::size_t index) {
  GroupState& state = groups_[index];
  std::vector<OperationPtr> operations;
  if (!spare_.empty()) {
    operations = std::move(spare_.back());
    spare_.pop_back();
  }
  operations.resize(state.came.size());
  operations.swap(state.came);
  state.missing = state.came.size();
  waiting_.push(std::move(operations));
  ++committed_;
  if (!early_.empty()) {
    take_early(index);
  }
}

void PlanLane::take_early(std::size_t group) {
  const std::uint64_t cycle = next_cycle_of(group);
  std::erase_if(early_, [&](const Early& early) {
    const bool its_turn = early.place.group == group && early.cycle == cycle;
    if (its_turn) {
      groups_[group].came[early.place.tensor] = early.operation;
      --groups_[group].missing;
    }
    return its_turn;
  });
}

bool PlanLane::start_next(std::uint64_t open, AgreedGroup& group) {
  if (!waits_for_gate() || started_ >= open) {
    return false;
  }
  const PlanGroup& planned = plan_.groups[started_ % plan_.groups.size()];
  group.answer = &planned.answer;
  group.stream = WorkStream::planned;
  group.item = items_before_ + started_++;
  group.operations.clear();
  std::vector<OperationPtr> operations = waiting_.pop();
  for (OperationPtr& operation : operations) {
    if (operation->members.empty()) {
      group.operations.push_back(std::move(operation));
      --pending_count_;
      continue;
    }
    for (const MemberRun& run : planned.answer.members) {
      for (std::uint32_t i = run.first; i < run.first + run.count; ++i) {
        group.operations.push_back(member_of(operation, i));
      }
    }
    // All of its groups are in the plan, and the last of them starts it as a whole.
    operation->unstarted_count -= group.operations.size();
    pending_count_ -= operation->unstarted_count == 0 ? 1 : 0;
  }
  operations.clear();
  spare_.push_back(std::move(operations));
  return true;
}

std::vector<OperationPtr> PlanLane::end() {
  std::vector<OperationPtr> left = std::move(held_);
  held_.clear();
  const auto take = [&left](OperationPtr& operation) {
    if (operation != nullptr && std::find(left.begin(), left.end(), operation) == left.end()) {
      left.push_back(std::move(operation));
    }
    operation = nullptr;
  };
  while (!waiting_.empty()) {
    std::vector<OperationPtr> operations = waiting_.pop();
    std::for_each(operations.begin(), operations.end(), take);
  }
  for (GroupState& state : groups_) {
    std::for_each(state.came.begin(), state.came.end(), take);
  }
  for (Early& early : early_) {
    take(early.operation);
  }
  early_.clear();
  groups_.clear();
  uses_.clear();
  items_before_ += started_;
  pending_count_ = 0;
  committed_ = 0;
  started_ = 0;
  epoch_ = 0;
  return left;
}

// ---- for the sake of those that wait -----------------------------------------------------------

Time PlanLane::Patience::stays_until(const Operation& operation) const {
  const Nanos deadline = operation.request.deadline;
  return time_after(operation.submitted_at, deadline > 0 ? std::min(stall, deadline / 2) : stall);
}

PlanLane::Wish PlanLane::look(Time now, const Patience& patience) {
  Wish wish;
  if (pending_count_ == 0) {
    return wish;
  }
  for (const std::vector<OperationPtr>& operations : waiting_) {
    for (const OperationPtr& operation : operations) {
      look_at(*operation, true, now, patience, wish);
    }
  }
  for (const GroupState& state : groups_) {
    for (const OperationPtr& operation : state.came) {
      if (operation != nullptr) {
        look_at(*operation, false, now, patience, wish);
      }
    }
  }
  for (const Early& early : early_) {
    look_at(*early.operation, false, now, patience, wish);
  }
  return wish;
}

void PlanLane::look_at(Operation& operation, bool committed, Time now, const Patience& patience,
                       Wish& wish) const {
  const Time stalls_at = patience.stays_until(operation);
  wish.thaw = wish.thaw || now >= stalls_at;
  wish.next_look = std::min(wish.next_look, stalls_at);
  const Time since = operation.awaited_since.load(std::memory_order_relaxed);
  if (since == kNever) {
    return;
  }
  if (!committed) {
    const Time grace_ends = time_after(since, patience.grace);
    wish.thaw = wish.thaw || now >= grace_ends;
    wish.next_look = std::min(wish.next_look, grace_ends);
  }
  if (operation.nudge_pause == 0) {
    operation.nudge_pause = patience.nudge;
  }
  if (now >= time_after(since, operation.nudge_pause)) {
    wish.nudges.push_back(operation.request.name);
  }
  while (now >= time_after(since, operation.nudge_pause)) {
    operation.nudge_pause *= 2;
  }
  wish.next_look = std::min(wish.next_look, time_after(since, operation.nudge_pause));
}

bool PlanLane::holds_back(std::string_view name) const {
  const auto is_it = [&](const OperationPtr& operation) {
    return operation != nullptr && operation->request.name == name;
  };
  return std::any_of(groups_.begin(), groups_.end(),
                     [&](const GroupState& state) {
                       return std::any_of(state.came.begin(), state.came.end(), is_it);
                     }) ||
         std::any_of(early_.begin(), early_.end(),
                     [&](const Early& early) { return is_it(early.operation); });
}

}  // namespace hvd
