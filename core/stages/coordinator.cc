#include "core/stages/coordinator.h"

#include <algorithm>
#include <span>
#include <utility>

#include "core/base/check.h"

namespace hvd {
namespace {

std::vector<Rank> heartbeat_peers(const JobRanks& ranks) {
  if (!ranks.is_root()) {
    return {kRoot};
  }
  std::vector<Rank> others;
  for (int r = 1; r < ranks.count(); ++r) {
    others.emplace_back(r);
  }
  return others;
}

// Messages stay far below kControlMessageBytesMax, however much is submitted or decided at once.
constexpr std::size_t kBatchBytes = std::size_t{1} << 20;

std::size_t encoded_bytes_most(const ReadyEntry& entry) {
  constexpr std::size_t tensor = 64 + sizeof(std::int64_t) * kDimensionCountMax;
  return tensor * (1 + entry.members.size()) + sizeof(std::int64_t) * entry.splits.size() +
         entry.name.size();
}

// `cause` as one operation's failure: what it was doing when the job went down.
Status failure_of(const Request& request, const Status& cause) {
  return cause
      .in_context(str(collective_name(request.kind), " '", request.name, "' cannot complete"))
      .about_tensor(request.name);
}

// The same of one that was under way. Input that is other memory than the output is as it was.
Status failure_under_way(const Request& request, Rank self, const Status& cause) {
  const bool only_read = request.kind == CollectiveKind::broadcast && request.root == self;
  if (request.output == nullptr || request.output != request.input.data || only_read) {
    return failure_of(request, cause);
  }
  return cause
      .in_context(str(collective_name(request.kind), " '", request.name,
                      "' cannot complete, and its tensor, which was given in place, is undefined "
                      "now"))
      .about_tensor(request.name);
}

}  // namespace

Coordinator::Coordinator(const Config& config, JobRanks ranks, World world)
    : config_(config),
      ranks_(std::move(ranks)),
      world_(world),
      handles_(static_cast<HandleId>(world.clock.now())),
      negotiator_(ranks_.self()),
      dispatcher_(world.data, ranks_.self(), ranks_.count()),
      plan_(ranks_.self()),
      heartbeat_(heartbeat_peers(ranks_), nanos_from_seconds(config.heartbeat_seconds),
                 world.clock.now()),
      left_(static_cast<std::size_t>(ranks_.count()), false),
      ended_(static_cast<std::size_t>(ranks_.count()), false),
      lost_(static_cast<std::size_t>(ranks_.count()), false) {
  if (ranks_.is_root()) {
    const auto cycles = static_cast<std::size_t>(config.plan_cycles);
    root_ = std::unique_ptr<RootMind>(new RootMind{
        .negotiator = RootNegotiator(
            ranks_, {.stall_warning = nanos_from_seconds(config.stall_warning_seconds)}),
        .learner = PlanLearner(cycles),
        .keeper = PlanKeeper(ranks_.count(), cycles),
        .writer = PlanWriter(world.data, static_cast<std::size_t>(config.fusion_bytes_max)),
        .wants_to_leave = std::vector<bool>(static_cast<std::size_t>(ranks_.count()), false)});
  }
}

// ---- any thread --------------------------------------------------------------------------------

Status Coordinator::check(const Request& request) const {
  HVD_TRY(check_request(request, ranks_.self(), ranks_.count()));
  return world_.data.accepts(request);
}

Status Coordinator::check_group(const Operation& operation) const {
  HVD_TRY(hvd::check_group(operation, ranks_.self(), ranks_.count()));
  for (const Operation& member : operation.members) {
    HVD_TRY(world_.data.accepts(member.request));
  }
  return ok_status();
}

Result<OperationPtr> Coordinator::submit(Request request) {
  HVD_TRY(check(request));
  if (request.deadline == 0) {
    request.deadline = nanos_from_seconds(config_.deadline_seconds);
  }
  const OperationPtr operation = std::make_shared<Operation>();
  operation->request = std::move(request);
  operation->submitted_at = world_.clock.now();
  operation->after_wait = waited_.exchange(false, std::memory_order_relaxed);
  world_.data.tensor_ready(operation->request);
  handles_.add(operation);
  if (Status status = submit_queue_.submit(operation); !status.ok()) {
    handles_.release(operation->handle);
    return status;
  }
  counters_.submitted.fetch_add(1, std::memory_order_relaxed);
  return operation;
}

Result<OperationPtr> Coordinator::submit_group(Request whole,
                                               const std::vector<GroupTensor>& tensors) {
  if (whole.deadline == 0) {
    whole.deadline = nanos_from_seconds(config_.deadline_seconds);
  }
  OperationPtr operation = grouped_operation(std::move(whole), tensors);
  HVD_TRY(check_group(*operation));
  operation->submitted_at = world_.clock.now();
  operation->after_wait = waited_.exchange(false, std::memory_order_relaxed);
  for (const Operation& member : operation->members) {
    world_.data.tensor_ready(member.request);
  }
  handles_.add(operation);
  if (Status status = submit_queue_.submit(operation); !status.ok()) {
    handles_.release(operation->handle);
    return status;
  }
  counters_.submitted.fetch_add(tensors.size(), std::memory_order_relaxed);
  return operation;
}

// A member's end is one of many, and the first failure is that of all.
void Coordinator::complete(Operation& operation, Status status) {
  if (Operation* const whole = operation.whole; whole != nullptr) {
    if (whole->status.ok()) {
      whole->status = std::move(status);
    }
    if (--whole->unfinished_count == 0) {
      complete(*whole, whole->status);
    }
    return;
  }
  submit_queue_.forget_name(operation.request.name);  // first: the waiter may submit it again
  handles_.complete(operation, std::move(status));
}

void Coordinator::complete_all(std::vector<Outcome>& outcomes) {
  for (Outcome& outcome : outcomes) {
    complete(*outcome.operation, std::move(outcome.status));
  }
  outcomes.clear();
}

// ---- the pass ----------------------------------------------------------------------------------

bool Coordinator::run_pass() {
  counters_.passes.fetch_add(1, std::memory_order_relaxed);
  const Time now = world_.clock.now();
  bool moved = take_submissions();
  moved = take_control_events() || moved;
  watch_plan(now);
  moved = run_plan() || moved;
  root_work();  // last: the end of a plan gives it something to decide
  beat(now);
  const bool data_moved = world_.data.progress();
  watch_work(data_moved);
  return take_finished() || data_moved || moved;
}

bool Coordinator::take_submissions() {
  drained_.clear();
  submit_queue_.drain(drained_);
  if (drained_.empty()) {
    return false;
  }
  for (const OperationPtr& operation : drained_) {
    if (!aborted_.ok()) {
      outcomes_.push_back({operation, failure_of(operation->request, aborted_)});
    } else if (!take_by_plan(operation)) {
      negotiator_.add(operation, outcomes_);
    }
  }
  complete_all(outcomes_);
  announce();
  return true;
}

void Coordinator::announce() {
  if (!negotiator_.has_announcements()) {
    return;
  }
  negotiator_.take_announcements(announcements_);
  if (root_) {
    root_->negotiator.on_ready(ranks_.self(), announcements_, world_.clock.now());
    return;
  }
  std::span<const ReadyEntry> rest(announcements_.entries);
  while (!rest.empty()) {
    std::size_t bytes = 0;
    std::size_t count = 0;
    while (count < rest.size() && bytes < kBatchBytes) {
      bytes += encoded_bytes_most(rest[count++]);
    }
    outgoing_.clear();
    encode(announcements_.answers_seen, rest.first(count), outgoing_);
    send_encoded(kRoot);
    rest = rest.subspan(count);
  }
}

bool Coordinator::take_control_events() {
  bool any = false;
  while (world_.control.receive(event_)) {
    any = true;
    if (event_.kind == ControlEvent::Kind::peer_lost) {
      on_peer_lost(event_.from, event_.reason);
    } else {
      heartbeat_.heard_of(event_.from, world_.clock.now());
      on_message(event_.from, event_.message);
    }
  }
  return any;
}

void Coordinator::on_message(Rank from, const Bytes& bytes) {
  const Status parsed = decode(bytes, ranks_.count(), incoming_);
  if (!parsed.ok()) {
    abort_job(parsed.in_context(str("from ", ranks_.text(from))).blame_rank(from.value));
    return;
  }
  if (auto* ready = std::get_if<ReadyMessage>(&incoming_); ready != nullptr && root_) {
    on_ready(from, *ready);
  } else if (const auto* answer = std::get_if<AnswerMessage>(&incoming_);
             answer != nullptr && !root_) {
    on_answer(*answer);
  } else if (const auto* abort = std::get_if<AbortMessage>(&incoming_)) {
    on_abort(from, *abort);
  } else if (std::holds_alternative<GoodbyeMessage>(incoming_)) {
    on_goodbye(from);
  } else if (std::holds_alternative<GoodbyeSeenMessage>(incoming_)) {
    goodbye_seen_ = true;
  } else if (std::holds_alternative<EndedMessage>(incoming_)) {
    on_ended(from);
  } else {
    on_plan_message(from);
  }
}

void Coordinator::on_ready(Rank from, ReadyMessage& message) {
  if (left_[from.index()]) {
    return;
  }
  if (root_->keeper.in_force()) {
    std::erase_if(message.entries, [&keeper = root_->keeper](const ReadyEntry& entry) {
      return keeper.owns(entry);
    });
  }
  root_->negotiator.on_ready(from, message, world_.clock.now());
}

void Coordinator::on_answer(const AnswerMessage& message) {
  if (!aborted_.ok()) {
    return;
  }
  agreed_.clear();
  Status broken = negotiator_.on_answer(message, agreed_, outcomes_);
  complete_all(outcomes_);
  for (AgreedGroup& group : agreed_) {
    if (!broken.ok()) {
      abort_job(broken);
    }
    start(group);
  }
  if (!broken.ok()) {
    abort_job(broken);
  }
}

// If the job is aborted, or has to be, the group's operations fail.
void Coordinator::start(AgreedGroup& group) {
  if (aborted_.ok()) {
    counters_.work_items.fetch_add(1, std::memory_order_relaxed);
    const Status status = dispatcher_.start(group).blame_rank(ranks_.self().value);
    if (status.ok()) {
      return;
    }
    abort_job(status);
  }
  for (const OperationPtr& operation : group.operations) {
    complete(*operation, failure_of(operation->request, aborted_));
  }
  group.operations.clear();
}

void Coordinator::on_peer_lost(Rank peer, const std::string& reason) {
  const bool normal = ended_[peer.index()] || !aborted_.ok();
  lost_[peer.index()] = true;
  const std::optional<Time> heard = heartbeat_.heard_at(peer);
  heartbeat_.forget(peer);
  if (peer == kRoot) {
    goodbye_seen_ = true;  // nobody is left to see it
  }
  if (!normal) {
    abort_job(death_of(
        peer, heard.has_value() ? str(reason, ", ", seconds_from_nanos(world_.clock.now() - *heard),
                                      " s after it was last heard of")
                                : reason));
  }
}

Status Coordinator::death_of(Rank peer, const std::string& reason) const {
  return error(StatusCode::aborted, ranks_.text(peer), " died: ", reason,
               ". its own output, or the report of its launcher, says why; this job cannot go on "
               "without it")
      .blame_rank(peer.value);
}

void Coordinator::on_abort(Rank from, const AbortMessage& message) {
  Status cause(StatusCode::aborted, message.text);
  (void)from;
  abort_job(cause.blame_rank(message.culprit.value));
}

// ---- the root ----------------------------------------------------------------------------------

bool Coordinator::deciding() const { return root_ && aborted_.ok() && !leaving_; }

void Coordinator::root_work() {
  if (!deciding()) {
    return;
  }
  if (world_.clock.now() >= root_->negotiator.next_timer()) {
    for (const std::string& warning : root_->negotiator.on_timer(world_.clock.now())) {
      world_.logger.warn(warning);
    }
  }
  while (deciding()) {
    root_->negotiator.take_decisions(answer_sequence_ + 1, kBatchBytes, decisions_);
    if (decisions_.empty()) {
      begin_plan();
      if (!root_->negotiator.has_decisions()) {
        return;
      }
      continue;  // the plan has ended where it began
    }
    answer_decisions();
    send_answer();
    answer_.same_for_all() ? on_answer(answer_.for_all()) : on_answer(answer_.for_rank(kRoot));
  }
}

void Coordinator::send_answer() {
  outgoing_.clear();
  if (answer_.same_for_all()) {
    encode(answer_.for_all(), outgoing_);
  }
  for (int r = 1; r < ranks_.count(); ++r) {
    const Rank to(r);
    if (!reachable(to) || left_[to.index()]) {
      continue;
    }
    if (!answer_.same_for_all()) {
      const AnswerMessage message = answer_.for_rank(to);
      if (message.groups.empty()) {
        continue;
      }
      outgoing_.clear();
      encode(message, outgoing_);
    }
    send_encoded(to);
  }
}

void Coordinator::answer_decisions() {
  fusion_.fuse({decisions_.begin(), decisions_.end()},
               static_cast<std::size_t>(config_.fusion_bytes_max));
  const auto failed_count = static_cast<std::size_t>(std::count_if(
      decisions_.begin(), decisions_.end(), [](const Decision& d) { return !d.status.ok(); }));
  answer_.begin(++answer_sequence_, failed_count + fusion_.group_count());
  for (Decision& decision : decisions_) {
    root_->learner.on_decided(decision);
    if (!decision.status.ok()) {
      answer_.add_failed(decision);
    }
  }
  const std::span<Decision> decisions(decisions_.begin(), decisions_.end());
  for (std::size_t i = 0; i < fusion_.group_count(); ++i) {
    const std::span<const std::size_t> members = fusion_.group(i);
    const ScheduleChoice choice = world_.data.choose(work_shape(decisions, members));
    answer_.add_agreed(decisions, members, choice, item_count_++);
  }
}

// ---- life and death ----------------------------------------------------------------------------

void Coordinator::beat(Time now) {
  if (!heartbeat_.beat_due(now)) {
    return;
  }
  if (const std::optional<Rank> silent = heartbeat_.silent_peer(now)) {
    // Its channel is still there: if it was only stopped, it learns so that it was given up.
    heartbeat_.forget(*silent);
    abort_job(death_of(
        *silent,
        str("it has not been heard of for more than ", seconds_from_nanos(heartbeat_.limit()),
            " s: stopped, or cut off. limit: HVD_HEARTBEAT_SECONDS ", config_.heartbeat_seconds)));
    return;
  }
  if (root_) {
    send_to_all(HeartbeatMessage{});
  } else if (reachable(kRoot)) {
    send(kRoot, HeartbeatMessage{});
  }
}

bool Coordinator::take_finished() {
  const bool any = dispatcher_.take_finished(outcomes_);
  Status broken;
  for (Outcome& outcome : outcomes_) {
    if (outcome.status.ok() || outcome.operation->result_is_whole) {
      continue;  // went well where it ran, and at most this rank's output did not fit
    }
    broken = outcome.status;
    if (broken.code() == StatusCode::aborted) {
      outcome.status = failure_under_way(outcome.operation->request, ranks_.self(),
                                         aborted_.ok() ? broken : aborted_);
    }
  }
  complete_all(outcomes_);
  if (!broken.ok()) {
    abort_job(broken);  // started everywhere, failed here: the others cannot finish it
  }
  return any;
}

void Coordinator::abort_job(const Status& cause) {
  if (!aborted_.ok()) {
    return;
  }
  aborted_ = cause.code() == StatusCode::aborted ? cause
                                                 : Status(StatusCode::aborted, cause.message())
                                                       .about_tensor(cause.tensor())
                                                       .blame_rank(cause.culprit_rank());
  const AbortMessage message{aborted_.message(), Rank(aborted_.culprit_rank())};
  if (root_) {
    send_to_all(message);
  } else if (reachable(kRoot)) {
    send(kRoot, message);
  }
  submit_queue_.close(aborted_);
  world_.data.abort(aborted_);
  abandon_at_ = world_.data.busy() ? time_after(world_.clock.now(), kStopPatience) : kNever;
  fail_pending(aborted_);
  (void)take_finished();
}

void Coordinator::fail_pending(const Status& reason) {
  drained_.clear();
  submit_queue_.drain(drained_);
  for (const std::vector<OperationPtr>& operations :
       {negotiator_.take_all(), plan_.end(), drained_}) {
    for (const OperationPtr& operation : operations) {
      complete(*operation, failure_of(operation->request, reason));
    }
  }
}

Time Coordinator::next_deadline() const {
  const Time root_timer = deciding() ? root_->negotiator.next_timer() : kNever;
  return std::min({root_timer, heartbeat_.next_timer(), orphaned_until_, still_warning_at_,
                   abandon_at_, plan_timer()});
}

// ---- sending -----------------------------------------------------------------------------------

bool Coordinator::reachable(Rank rank) const { return !lost_[rank.index()]; }

void Coordinator::send(Rank to, const ControlMessage& message) {
  outgoing_.clear();
  encode(message, outgoing_);
  send_encoded(to);
}

void Coordinator::send_encoded(Rank to) {
  const Bytes& bytes = outgoing_.bytes();
  counters_.control_messages_sent.fetch_add(1, std::memory_order_relaxed);
  counters_.control_bytes_sent.fetch_add(bytes.size(), std::memory_order_relaxed);
  world_.control.send(to, bytes);
}

void Coordinator::send_to_all(const ControlMessage& message) {
  HVD_CHECK(ranks_.is_root());
  outgoing_.clear();
  encode(message, outgoing_);
  for (int r = 1; r < ranks_.count(); ++r) {
    if (reachable(Rank(r))) {
      send_encoded(Rank(r));
    }
  }
}

}  // namespace hvd
