#include "tests/sim/sim_run.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "tests/sim/expected.h"

namespace hvd::sim {
namespace {

// One rank's thread: walks through its steps, blocked in waits.
class Walker {
 public:
  Walker(SimWorld& world, const Program& program, Rank rank)
      : world_(world),
        program_(program),
        rank_(rank),
        results_(program.uses.size()),
        memory_(program.uses.size()) {
    world_.after_pass(rank, [this] { go_on(); });
    world_.agenda.at(world_.clock.now(), [this] { go_on(); });
  }

  void go_on() {
    look_at_operations();
    while (!stopped() && step_ < steps().size() && walk(steps()[step_])) {
      ++step_;
    }
    if (!stopped() && step_ == steps().size() && !leaving_) {
      leaving_ = true;
      world_.leave(rank_, kLeaveMost);
      look_at_operations();
    }
  }

  bool finished() const { return world_.left(rank_) || world_.dead(rank_); }
  bool leaving() const { return leaving_; }
  const std::map<std::size_t, OperationPtr>& operations() const { return operations_; }
  const UseResult* result(std::size_t use) const {
    const bool submitted = operations_.count(use) > 0 || results_[use].refused;
    return submitted ? &results_[use] : nullptr;
  }
  // The bytes that the use gave this rank.
  const std::byte* output(std::size_t use) const {
    const Operation& operation = *operations_.at(use);
    return makes_result(operation.request.kind) ? operation.result.get() : operation.request.output;
  }
  std::string where() const {
    if (step_ >= steps().size()) {
      return "in shutdown";
    }
    const Step& step = steps()[step_];
    return step.kind == Step::Kind::wait ? str("waiting for '", program_.uses[step.use].name, "'")
                                         : std::string("between two steps");
  }

 private:
  const std::vector<Step>& steps() const { return program_.ranks[rank_.index()].steps; }
  bool stopped() const { return finished() || world_.frozen(rank_) || thinking_; }

  bool walk(const Step& step) {
    switch (step.kind) {
      case Step::Kind::think:
        thinking_ = true;
        world_.agenda.at(world_.clock.now() + step.pause, [this] {
          thinking_ = false;
          ++step_;
          go_on();
        });
        return false;
      case Step::Kind::submit:
        submit(step.use);
        return true;
      case Step::Kind::wait:
        return wait(step.use);
    }
    return true;
  }

  bool wait(std::size_t use) {
    Coordinator& coordinator = world_.coordinator(rank_);
    if (results_[use].ended) {
      coordinator.note_return();
      return true;
    }
    const auto found = operations_.find(use);
    if (found != operations_.end() &&
        found->second->awaited_since.load(std::memory_order_relaxed) == kNever) {
      coordinator.note_wait(*found->second, world_.clock.now());
      world_.wake(rank_);
    }
    return false;
  }

  void submit(std::size_t use) {
    UseResult& result = results_[use];
    result.submitted_at = world_.clock.now();
    Result<OperationPtr> operation = world_.coordinator(rank_).submit(
        request_of(program_.uses[use], rank_, program_.rank_count(), use, memory_[use]));
    if (operation.ok()) {
      operations_.emplace(use, *operation);
      open_.push_back(use);
      world_.wake(rank_);
    } else {
      result = {true, true, operation.status(), world_.clock.now(), world_.clock.now()};
    }
  }

  void look_at_operations() {
    std::erase_if(open_, [this](std::size_t use) {
      const Operation& operation = *operations_.at(use);
      if (!operation.done) {
        return false;
      }
      UseResult& result = results_[use];
      result.ended = true;
      result.status = operation.status;
      result.ended_at = world_.clock.now();
      return true;
    });
  }

  SimWorld& world_;
  const Program& program_;
  const Rank rank_;
  std::vector<UseResult> results_;
  std::vector<UseMemory> memory_;
  std::map<std::size_t, OperationPtr> operations_;
  std::vector<std::size_t> open_;
  std::size_t step_ = 0;
  bool thinking_ = false;
  bool leaving_ = false;
};

class Judge {
 public:
  Judge(const Program& program, const SimWorld& world,
        const std::vector<std::unique_ptr<Walker>>& walkers)
      : program_(program), world_(world), walkers_(walkers) {}

  RunResult judge() {
    result_.warning_count = world_.warnings().size();
    for (const std::string& fault : world_.faults()) {
      fail(fault);
    }
    for (int r = 0; r < program_.rank_count(); ++r) {
      check_finished(Rank(r));
    }
    if (!program_.frozen && !world_.data_plane_idle()) {
      fail("an item is still running on a rank that lives");
    }
    for (std::size_t use = 0; use < program_.uses.size(); ++use) {
      check_use(use);
    }
    return std::move(result_);
  }

 private:
  template <typename... Values>
  void fail(const Values&... values) {
    result_.failures.push_back(str(values...));
  }

  const Walker& walker(Rank rank) const { return *walkers_[rank.index()]; }
  bool counts(Rank rank) const { return !world_.dead(rank) && program_.frozen != rank; }
  std::optional<Rank> culprit() const {
    return program_.killed ? program_.killed : program_.frozen;
  }

  void check_finished(Rank rank) {
    if (!counts(rank)) {
      return;
    }
    if (!walker(rank).finished()) {
      fail("rank ", rank, " hangs: ", walker(rank).where());
    }
    // Only what is running and the end of a plan hold a leaving rank up, never what the others do
    // next: its last word, the thaw, the others' last words, the cut, the goodbye and its receipt.
    const Nanos leave_most = 100 * kMillisecond + 6 * program_.message_delay_most;
    if (!culprit() && !program_.napping && world_.leave_took(rank) > leave_most) {
      fail("rank ", rank, " took ", seconds_from_nanos(world_.leave_took(rank)), " s to leave");
    }
    for (const auto& [use, operation] : walker(rank).operations()) {
      if (!operation->done) {
        fail("rank ", rank, ": '", program_.uses[use].name, "' (use ", use, ") never ended");
      }
    }
  }

  void check_use(std::size_t use) {
    std::vector<StatusCode> codes;
    for (int r = 0; r < program_.rank_count(); ++r) {
      const UseResult* result = walker(Rank(r)).result(use);
      if (result != nullptr && counts(Rank(r)) && result->ended) {
        codes.push_back(result->status.code());
        count(result->status.code());
        check_code(use, Rank(r), *result);
      }
    }
    const auto ok_count =
        static_cast<std::size_t>(std::count(codes.begin(), codes.end(), StatusCode::ok));
    if (ok_count > 0 && ok_count < codes.size() && !culprit()) {
      fail("use ", use, " of '", program_.uses[use].name, "' is ok on ", ok_count, " of ",
           codes.size(), " ranks");
    }
    if (!culprit() && !program_.anyone_leaves_early()) {
      check_quiet(use, codes);
    }
  }

  // No death and no early leave: outcomes are equal on all ranks, and what they must be. A rank
  // that gave up on all others may be through with its program first, and then it has left.
  void check_quiet(std::size_t use, const std::vector<StatusCode>& codes) {
    const Use& what = program_.uses[use];
    const StatusCode planned = what.wrong != Wrong::nothing ? StatusCode::mismatch : StatusCode::ok;
    // Rank 0 decides what it has no part in, but does not wait for it before it leaves.
    const bool needs_root = what.concerns(kRoot);
    if (!needs_root && std::count(codes.begin(), codes.end(), StatusCode::peer_ended) > 0) {
      return;
    }
    std::size_t late_count = 0;
    for (const StatusCode code : codes) {
      const bool late = code == StatusCode::deadline_exceeded || code == StatusCode::peer_ended;
      late_count += late;
      if (late ? what.deadline == 0 : what.skipped_by || code != planned) {
        fail("use ", use, " of '", what.name, "' ended as ", status_code_name(code));
      }
    }
    if (late_count > 0 && late_count < codes.size()) {
      fail("use ", use, " of '", what.name, "' came too late for ", late_count, " of ",
           codes.size(), " ranks");
    }
    check_deadline_cause(use, codes);
  }

  // Nobody gives up on ranks that came in time, and nobody waits for one that did not.
  void check_deadline_cause(std::size_t use, const std::vector<StatusCode>& codes) {
    const Use& what = program_.uses[use];
    if (what.deadline == 0 || what.skipped_by || codes.empty()) {
      return;
    }
    Time first = kNever;
    Time last = 0;
    for (const auto& walker : walkers_) {
      if (walker->result(use) == nullptr) {
        continue;  // a message of two others
      }
      first = std::min(first, walker->result(use)->submitted_at);
      last = std::max(last, walker->result(use)->submitted_at);
    }
    const Nanos travel = 3 * kMillisecond + program_.message_delay_most;
    const Nanos rank_steps = program_.rank_count() * kMillisecond;
    const bool late = codes.front() != StatusCode::ok && codes.front() != StatusCode::mismatch;
    if (late && last - first + travel < what.deadline && !program_.napping) {
      fail("use ", use, " of '", what.name, "' gave up though everyone came within ",
           seconds_from_nanos(last - first), " s of ", seconds_from_nanos(what.deadline));
    }
    if (!late && last - first > what.deadline + travel + rank_steps && !program_.napping) {
      fail("use ", use, " of '", what.name, "' did not give up though a rank came ",
           seconds_from_nanos(last - first), " s late");
    }
  }

  void check_code(std::size_t use, Rank rank, const UseResult& result) {
    const Use& what = program_.uses[use];
    const Status& status = result.status;
    const auto wrong = [&](const char* why) {
      fail("rank ", rank, ", use ", use, " of '", what.name, "': ", why, ": ",
           status_code_name(status.code()), ": ", status.message());
    };
    const bool own_leave = walker(rank).leaving();
    switch (status.code()) {
      case StatusCode::ok:
        if (what.wrong != Wrong::nothing && program_.rank_count() > 1) {
          wrong("a mismatch went through");
        } else {
          check_elements(use, rank);
        }
        return;
      case StatusCode::mismatch:
        return what.wrong == Wrong::nothing ? wrong("there is no mistake") : void();
      case StatusCode::deadline_exceeded:
        return what.deadline == 0 ? wrong("there is no deadline") : void();
      case StatusCode::peer_ended:
        if (!program_.anyone_leaves_early() && !own_leave && !culprit()) {
          wrong("nobody left early");
        }
        return;
      case StatusCode::precondition:
        return own_leave ? void() : wrong("this rank did not leave");
      case StatusCode::aborted:
        // Once rank 0 has ended nobody finds out who stopped in the middle of a message.
        if (!culprit() || (status.culprit_rank() != culprit()->value &&
                           (what.concerns(kRoot) || status.culprit_rank() >= 0))) {
          wrong("the culprit is another");
        }
        return;
      default:
        wrong("no such error may come up");
    }
  }

  void check_elements(std::size_t use, Rank rank) {
    const Use& what = program_.uses[use];
    if (what.wrong != Wrong::nothing) {
      return;  // of one rank, which is right whatever it says
    }
    const auto expected = expected_result(what, rank, program_.rank_count(), use);
    if (!expected) {
      return;
    }
    const std::byte* bytes = walker(rank).output(use);
    for (std::size_t i = 0; i < expected->size(); ++i) {
      float real = 0;
      std::int64_t whole = 0;
      if (what.dtype == DType::float32) {
        std::memcpy(&real, bytes + i * sizeof real, sizeof real);
      } else {
        std::memcpy(&whole, bytes + i * sizeof whole, sizeof whole);
      }
      const double value = what.dtype == DType::float32 ? real : static_cast<double>(whole);
      if (std::abs(value - (*expected)[i]) > 1e-4) {
        fail("rank ", rank, ", use ", use, " of '", what.name, "' (", collective_name(what.kind),
             "): element ", i, " is ", value, " instead of ", (*expected)[i]);
        return;
      }
    }
    ++result_.checked_count[static_cast<std::size_t>(what.kind)];
  }

  void count(StatusCode code) {
    result_.ok_count += code == StatusCode::ok;
    result_.mismatch_count += code == StatusCode::mismatch;
    result_.deadline_count += code == StatusCode::deadline_exceeded;
    result_.ended_count += code == StatusCode::peer_ended || code == StatusCode::precondition;
    result_.aborted_count += code == StatusCode::aborted;
  }

  const Program& program_;
  const SimWorld& world_;
  const std::vector<std::unique_ptr<Walker>>& walkers_;
  RunResult result_;
};

void plan_trouble(SimWorld& world, const Program& program) {
  const Time when = world.clock.now() + program.trouble_after;
  if (program.killed) {
    world.agenda.at(when, [&world, rank = *program.killed] { world.kill(rank); });
  }
  if (program.frozen) {
    world.agenda.at(when, [&world, rank = *program.frozen] { world.freeze(rank); });
  }
  if (program.napping) {
    world.agenda.at(when, [&world, rank = *program.napping] { world.freeze(rank); });
    const auto nap = static_cast<Nanos>(world.random.below(15 * kSecond));
    world.agenda.at(when + nap, [&world, rank = *program.napping] { world.thaw(rank); });
  }
}

}  // namespace

RunResult run_program(const Program& program) {
  SimWorld world({.rank_count = program.rank_count(),
                  .seed = program.seed,
                  .message_delay_most = program.message_delay_most,
                  .words_by_message = program.words_by_message,
                  .config = program.config});
  std::vector<std::unique_ptr<Walker>> walkers;
  walkers.reserve(static_cast<std::size_t>(program.rank_count()));
  for (int r = 0; r < program.rank_count(); ++r) {
    walkers.push_back(std::make_unique<Walker>(world, program, Rank(r)));
  }
  plan_trouble(world, program);
  const Time until = world.clock.now() + kVirtualTimeMost;
  while (world.agenda.run_next(until)) {
  }
  RunResult result = Judge(program, world, walkers).judge();
  const Coordinator::Counters& counters = world.coordinator(kRoot).counters();
  result.plan_count = counters.plans;
  result.thaw_count = counters.thaws;
  result.planned_count = counters.planned_items;
  result.root_sent_count = world.coordinator(kRoot).counters().control_messages_sent;
  result.root_sent_bytes = world.coordinator(kRoot).counters().control_bytes_sent;
  for (int r = 1; r < program.rank_count(); ++r) {
    result.root_received_count += world.coordinator(Rank(r)).counters().control_messages_sent;
  }
  return result;
}

}  // namespace hvd::sim
