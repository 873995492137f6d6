// The coordinator's leave: this rank's own, and what it makes of the others'.
#include "core/stages/coordinator.h"

namespace hvd {

void Coordinator::begin_leave() {
  submit_queue_.close(error(StatusCode::precondition,
                            "hvd has been shut down on this rank; use hvd_init to start again"));
  goodbye_due_ = true;  // no plan begins from here on
  (void)take_submissions();
  (void)run_plan();
  if (plan_.active()) {
    plan_.stop();
    root_ ? on_thaw_asked(plan_.epoch()) : say_last_word();
    return;
  }
  say_goodbye();
}

void Coordinator::say_goodbye() {
  root_work();  // goodbye means that nothing is decided after it
  goodbye_due_ = false;
  leaving_ = true;
  owes_answers_ = negotiator_.pending_count() > 0;
  if (root_) {
    send_to_all(GoodbyeMessage{});
    goodbye_seen_ = true;
  } else if (reachable(kRoot)) {
    send(kRoot, GoodbyeMessage{});
  }
}

// An answer that concerns this rank can only be under way if something was pending when it left.
bool Coordinator::may_leave() const {
  if (!aborted_.ok()) {
    return !dispatcher_.busy();
  }
  return !dispatcher_.busy() && world_.data.delivered() && !plan_.active() && !goodbye_due_ &&
         (goodbye_seen_ || !owes_answers_);
}

void Coordinator::finish_leave() {
  if (goodbye_due_) {
    say_goodbye();
  }
  if (dispatcher_.busy()) {
    // All ranks are committed to what has started; without this one they could not finish it.
    const std::string awaited = awaited_text();
    abort_job(error(StatusCode::aborted, ranks_.text(ranks_.self()),
                    " was shut down while an operation was still running, and its peers did not "
                    "finish it in time: ",
                    awaited.empty() ? "they may have stopped" : awaited)
                  .blame_rank(ranks_.self().value));
  }
  const Status reason = error(StatusCode::precondition, "hvd was shut down on this rank");
  fail_pending(reason);
  world_.data.abort(error(StatusCode::aborted, reason.message()));
  if (world_.data.busy()) {
    abandon_work();
  }
  (void)take_finished();
  if (root_) {
    send_to_all(EndedMessage{});
  } else if (reachable(kRoot)) {
    send(kRoot, EndedMessage{});
  }
}

void Coordinator::on_goodbye(Rank from) {
  if (root_) {
    if (root_->keeper.in_force()) {
      // It said so before it knew of the plan, and will again when the plan has ended; but if it
      // ends before that, this was its goodbye.
      root_->wants_to_leave[from.index()] = true;
      on_thaw_asked(root_->keeper.epoch());
      return;
    }
    let_go(from);
    send(from, GoodbyeSeenMessage{});
    return;
  }
  left_[from.index()] = true;
  goodbye_seen_ = true;
  const Status reason =
      error(StatusCode::peer_ended, ranks_.text(kRoot),
            " ended normally and decides no more. every rank must submit each name equally often "
            "before rank 0 shuts down")
          .blame_rank(kRoot.value);
  submit_queue_.close(reason);
  fail_pending(reason);
}

void Coordinator::let_go(Rank from) {
  root_->wants_to_leave[from.index()] = true;  // no plan begins any more
  root_work();  // what was decided before it left still concerns it,
  root_->negotiator.on_goodbye(from);
  root_work();  // and so does what fails because of it
  left_[from.index()] = true;
  root_->wants_to_leave[from.index()] = false;
}

// From here on its silence and the end of its channel are normal.
void Coordinator::on_ended(Rank from) {
  ended_[from.index()] = true;
  heartbeat_.forget(from);
  if (!root_) {
    return;
  }
  if (root_->keeper.in_force()) {
    root_->keeper.on_gone(from);
    on_thaw_asked(root_->keeper.epoch());
    cut_when_said();
  } else if (!left_[from.index()]) {
    let_go(from);
  }
}

}  // namespace hvd
