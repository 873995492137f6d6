// The coordinator's plan lane: what goes by a learned plan instead of by answers of the root. A
// rank says by its word how far it is committed; what all words have passed is open and starts. The
// protocol, its order and why it holds: docs/decisions/0015.
#include <algorithm>

#include "core/base/check.h"
#include "core/stages/coordinator.h"

namespace hvd {

// ---- any thread --------------------------------------------------------------------------------

void Coordinator::note_wait(const Operation& operation, Time now) {
  Time nobody = kNever;
  operation.awaited_since.compare_exchange_strong(nobody, now, std::memory_order_relaxed);
  waited_at_.store(now, std::memory_order_relaxed);
}

// ---- running -----------------------------------------------------------------------------------

bool Coordinator::take_by_plan(const OperationPtr& operation) {
  if (!plan_.active() || negotiator_.owes(operation->request.name) || !plan_.add(operation)) {
    return false;
  }
  if (plan_.pending_count() == 1) {
    plan_look_at_ = kNever;
  }
  plan_look_at_ = std::min(plan_look_at_, plan_patience().stays_until(*operation));
  return true;
}

bool Coordinator::run_plan() {
  if (!plan_.active()) {
    return false;
  }
  if (plan_.deviates()) {
    ask_thaw();
  }
  if (plan_.commit()) {
    say_word();
  }
  return start_open();
}

bool Coordinator::start_open() {
  if (!plan_.waits_for_gate()) {
    return false;
  }
  bool any = false;
  const std::uint64_t open = open_count();
  while (plan_.start_next(open, planned_)) {
    counters_.planned_items.fetch_add(1, std::memory_order_relaxed);
    start(planned_);
    any = true;
  }
  return any;
}

bool Coordinator::has_open_position() const {
  return plan_.waits_for_gate() && open_count() > plan_.started();
}

// Positions that all ranks are committed to, as far as this one can see.
std::uint64_t Coordinator::open_count() const {
  if (world_.words == nullptr) {
    return gate_;
  }
  std::uint64_t count = plan_.committed();
  for (int r = 0; r < ranks_.count() && count > plan_.started(); ++r) {
    if (Rank(r) != ranks_.self()) {
      count = std::min(count, world_.words->word_of(Rank(r)).count_in(plan_.epoch()));
    }
  }
  return std::max(count, gate_);
}

void Coordinator::say_word() {
  const WordMessage word{plan_.epoch(), plan_.committed()};
  if (world_.words != nullptr) {
    world_.words->publish(PlanWord(word.epoch, word.count));
  } else if (root_) {
    on_word(kRoot, word);
  } else if (reachable(kRoot)) {
    send(kRoot, word);
  }
}

void Coordinator::on_word(Rank from, const WordMessage& word) {
  if (!root_ || !root_->keeper.in_force(word.epoch) || !root_->keeper.on_word(from, word.count)) {
    return;
  }
  const GateMessage gate{word.epoch, root_->keeper.gate()};
  send_to_all(gate);
  on_gate(gate);
}

void Coordinator::on_gate(const GateMessage& gate) {
  if (gate.epoch == plan_.epoch()) {
    gate_ = std::max(gate_, gate.count);
  }
}

// ---- for the sake of those that wait -----------------------------------------------------------

PlanLane::Patience Coordinator::plan_patience() const {
  PlanLane::Patience patience;
  if (config_.stall_warning_seconds > 0) {
    patience.stall =
        std::min(patience.stall, nanos_from_seconds(config_.stall_warning_seconds / 2));
  }
  return patience;
}

void Coordinator::watch_plan(Time now) {
  if (!plan_.active()) {
    return;
  }
  if (const Time at = waited_at_.load(std::memory_order_relaxed); at != wait_seen_) {
    wait_seen_ = at;
    plan_look_at_ = std::min(plan_look_at_, time_after(at, grace_));
  }
  if (thaw_asked_ || plan_.pending_count() == 0 || now < plan_look_at_) {
    return;
  }
  PlanLane::Patience patience = plan_patience();
  patience.grace = grace_;
  const PlanLane::Wish wish = plan_.look(now, patience);
  plan_look_at_ = wish.next_look;
  for (const std::string& name : wish.nudges) {
    const NudgeMessage nudge{plan_.epoch(), name};
    if (root_) {
      on_nudge(nudge);
    } else if (reachable(kRoot)) {
      send(kRoot, nudge);
    }
  }
  if (wish.thaw) {
    grace_ = std::min(2 * grace_, kGraceMost);
    ask_thaw();
  }
}

Time Coordinator::plan_timer() const {
  return plan_.active() && !thaw_asked_ && plan_.pending_count() > 0 ? plan_look_at_ : kNever;
}

// Rank to root, and from there to all: whoever has the operation and is not committed to it has the
// plan ended. Without this a rank that submits one tensor of a group and goes away for long would
// hold up those that wait for that tensor alone.
void Coordinator::on_nudge(const NudgeMessage& nudge) {
  if (root_) {
    send_to_all(nudge);
  }
  if (nudge.epoch == plan_.epoch() && plan_.holds_back(nudge.name)) {
    ask_thaw();
  }
}

// ---- beginning ---------------------------------------------------------------------------------

// Behind an answer, in the one order of what the root says: that is all the
// agreement it needs.
void Coordinator::begin_plan() {
  const auto any_of = [](const std::vector<bool>& ranks) {
    return std::find(ranks.begin(), ranks.end(), true) != ranks.end();
  };
  if (!root_->learner.knows_cycle() || root_->keeper.in_force() || goodbye_due_ ||
      root_->learner.cycle_count() == root_->cycle_tried || root_->negotiator.has_decisions() ||
      root_->keeper.epoch() >= kPlanEpochMost || any_of(left_) || any_of(ended_) ||
      any_of(root_->wants_to_leave)) {
    return;
  }
  const PlanMessage plan =
      root_->writer.write(root_->keeper.epoch() + 1, root_->learner.cycle_from_here());
  root_->cycle_tried = root_->learner.cycle_count();
  if (!root_->writer.settled() && root_->cycle_tried < kSettledCyclesMost) {
    return;  // a plan's choices stand, and the next cycles say more
  }
  root_->learner.forget();
  root_->cycle_tried = 0;
  outgoing_.clear();
  encode(plan, outgoing_);
  if (plan.groups.empty() || outgoing_.bytes().size() > kControlMessageBytesMax) {
    return;
  }
  root_->keeper.begin(plan);
  root_->negotiator.drop(
      [&keeper = root_->keeper](const ReadyEntry& entry) { return keeper.owns(entry); });
  send_to_all(plan);
  on_plan(plan);
}

void Coordinator::on_plan(const PlanMessage& plan) {
  if (!aborted_.ok()) {
    return;
  }
  if (plan_.active()) {
    abort_job(error(StatusCode::internal, "the root's plan ", plan.epoch, " came while plan ",
                    plan_.epoch(), " was in force"));
    return;
  }
  if (const Status broken = plan_.begin(plan); !broken.ok()) {
    abort_job(broken);
    return;
  }
  counters_.plans.fetch_add(1, std::memory_order_relaxed);
  gate_ = 0;
  thaw_asked_ = false;
  last_word_said_ = false;
  plan_look_at_ = kNever;
  const std::vector<OperationPtr> carried = negotiator_.take_back(plan_);
  for (const OperationPtr& operation : carried) {
    HVD_CHECK(take_by_plan(operation));
  }
  wait_seen_ = kNever;  // somebody may wait for them already
  if (leaving_ || goodbye_due_) {
    plan_.stop();
  }
  (void)run_plan();
}

// ---- ending ------------------------------------------------------------------------------------

void Coordinator::ask_thaw() {
  if (thaw_asked_ || !plan_.active()) {
    return;
  }
  thaw_asked_ = true;
  if (root_) {
    on_thaw_asked(plan_.epoch());
  } else if (reachable(kRoot)) {
    send(kRoot, ThawMessage{plan_.epoch()});
  }
}

void Coordinator::on_thaw_asked(std::uint32_t epoch) {
  if (root_->keeper.in_force(epoch) && root_->keeper.begin_thaw()) {
    send_to_all(ThawMessage{epoch});
    on_thaw(epoch);
  }
}

void Coordinator::on_thaw(std::uint32_t epoch) {
  if (epoch == plan_.epoch()) {
    thaw_asked_ = true;
    plan_.stop();
    say_last_word();
  }
}

void Coordinator::say_last_word() {
  if (last_word_said_) {
    return;
  }
  last_word_said_ = true;
  const LastWordMessage word{plan_.epoch(), plan_.committed()};
  if (root_) {
    on_last_word(kRoot, word);
  } else if (reachable(kRoot)) {
    send(kRoot, word);
  }
}

// A rank that leaves says it unasked, and so ends the plan.
void Coordinator::on_last_word(Rank from, const LastWordMessage& word) {
  if (!root_ || !root_->keeper.in_force(word.epoch)) {
    return;
  }
  if (!root_->keeper.thawing() && from != kRoot) {
    root_->wants_to_leave[from.index()] = true;
  }
  root_->keeper.on_last_word(from, word.count);
  on_thaw_asked(word.epoch);
  cut_when_said();
}

void Coordinator::cut_when_said() {
  if (!root_->keeper.may_cut() || !aborted_.ok()) {
    return;
  }
  const std::uint32_t epoch = root_->keeper.epoch();
  const CutMessage cut{epoch, root_->keeper.cut()};
  root_->learner.forget();
  root_->cycle_tried = 0;
  root_->learner.require(root_->keeper.cycles());
  send_to_all(cut);
  on_cut(cut);
  for (int r = 0; r < ranks_.count(); ++r) {
    // The others will say goodbye again.
    if (ended_[Rank(r).index()] && !left_[Rank(r).index()]) {
      let_go(Rank(r));
    }
  }
}

void Coordinator::on_cut(const CutMessage& cut) {
  if (cut.epoch != plan_.epoch()) {
    return;
  }
  if (cut.count > plan_.committed()) {
    abort_job(error(StatusCode::internal, "the root ended plan ", cut.epoch, " at position ",
                    cut.count, ", but this rank is committed to ", plan_.committed(), " only"));
    return;
  }
  gate_ = cut.count;
  (void)start_open();
  if (plan_.active()) {
    end_plan();
  }
}

// What no rank has started goes the other way, as long as it has waited.
void Coordinator::end_plan() {
  counters_.thaws.fetch_add(1, std::memory_order_relaxed);
  const Time now = world_.clock.now();
  for (const OperationPtr& operation : plan_.end()) {
    operation->waited_in_plan = now - operation->submitted_at;
    negotiator_.add(operation, outcomes_);
  }
  complete_all(outcomes_);
  announce();
  if (goodbye_due_ || leaving_) {
    say_goodbye();
  }
}

void Coordinator::on_plan_message(Rank from) {
  if (const auto* plan = std::get_if<PlanMessage>(&incoming_); plan != nullptr && !root_) {
    on_plan(*plan);
  } else if (const auto* word = std::get_if<WordMessage>(&incoming_)) {
    on_word(from, *word);
  } else if (const auto* gate = std::get_if<GateMessage>(&incoming_); gate != nullptr && !root_) {
    on_gate(*gate);
  } else if (const auto* thaw = std::get_if<ThawMessage>(&incoming_)) {
    root_ ? on_thaw_asked(thaw->epoch) : on_thaw(thaw->epoch);
  } else if (const auto* last_word = std::get_if<LastWordMessage>(&incoming_)) {
    on_last_word(from, *last_word);
  } else if (const auto* cut = std::get_if<CutMessage>(&incoming_); cut != nullptr && !root_) {
    on_cut(*cut);
  } else if (const auto* nudge = std::get_if<NudgeMessage>(&incoming_)) {
    on_nudge(*nudge);
  }  // a heartbeat has been noted already
}

}  // namespace hvd
