#include "core/stages/progress.h"

#include <algorithm>

namespace hvd {
namespace {

// A message that is just arriving is cheaper to handle than to wake a thread for.
constexpr int kLooksBeforeHandOver = 2;

void pause_core() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

Progress::Progress(Coordinator& coordinator, DataPlane& data, Idle& idle, const Clock& clock,
                   SpinPolicy spin)
    : coordinator_(coordinator),
      data_(data),
      idle_(idle),
      clock_(clock),
      spin_(spin),
      background_("hvd-progress", [this] { background_loop(); }) {}

Progress::~Progress() {
  stopping_.store(true, std::memory_order_seq_cst);
  idle_.ring_parked();
  background_.join();
}

bool Progress::pass() {
  const bool activity = idle_.poll();
  return coordinator_.run_pass() || activity;
}

bool Progress::prepare_sleep() {
  sleeping_.store(true, std::memory_order_seq_cst);
  if (!coordinator_.has_submissions() && data_.prepare_sleep() && !coordinator_.has_messages()) {
    return true;
  }
  end_sleep();
  return false;
}

void Progress::end_sleep() {
  sleeping_.store(false, std::memory_order_seq_cst);
  data_.end_sleep();
}

void Progress::notify_submitted() {
  // The queue's mutex orders this against prepare_sleep: if that looked into the queue before the
  // submission, its announcement is visible here; if after, it saw the submission.
  if (sleeping_.load(std::memory_order_seq_cst)) {
    idle_.ring();
  }
}

// ---- the background thread
// -----------------------------------------------------------------------

void Progress::background_loop() {
  while (!stopping_.load(std::memory_order_seq_cst)) {
    // Before trying: a user's thread that gives the baton back after our failed try reads this.
    parked_until_.store(kNever, std::memory_order_seq_cst);
    wants_baton_.store(true, std::memory_order_seq_cst);
    if (coordinator_.baton.try_take()) {
      wants_baton_.store(false, std::memory_order_seq_cst);
      end_sleep();
      do {
        while (pass() && !stopping_.load(std::memory_order_relaxed)) {
        }
      } while (!stopping_.load(std::memory_order_relaxed) && !prepare_sleep());
      parked_until_.store(coordinator_.next_deadline(), std::memory_order_seq_cst);
      coordinator_.baton.give_back();
      coordinator_.handles().notify();  // a waiter may drive from here on
    }
    if (!stopping_.load(std::memory_order_seq_cst)) {
      idle_.park(parked_until_.load(std::memory_order_relaxed));
    }
  }
}

// ---- user threads
// --------------------------------------------------------------------------------

WaitOutcome Progress::wait(const Operation& operation, Time until) {
  while (!operation.done.load(std::memory_order_acquire)) {
    if (clock_.now() >= until) {
      return WaitOutcome::timed_out;
    }
    if (!stopping_.load(std::memory_order_relaxed) && coordinator_.baton.try_take()) {
      idle_.claim();
      end_sleep();
      const WaitOutcome outcome = drive(operation, until);
      release_as_user();
      if (outcome != WaitOutcome::done) {
        return outcome;
      }
      continue;  // done, or the runtime is leaving
    }
    // A blocking caller has not rung, and whoever holds the baton may have looked for submissions
    // for the last time before ours came.
    notify_submitted();
    coordinator_.handles().sleep_until_done(
        operation, std::min(until, time_after(clock_.now(), spin_.look_again)));
  }
  return WaitOutcome::done;
}

WaitOutcome Progress::drive(const Operation& operation, Time until) {
  Time moved_at = clock_.now();
  while (!stopping_.load(std::memory_order_relaxed)) {
    const bool moved = pass();
    if (operation.done.load(std::memory_order_acquire)) {
      return WaitOutcome::done;
    }
    const Time now = clock_.now();
    if (now >= until) {
      return WaitOutcome::timed_out;
    }
    if (moved) {
      moved_at = now;
    } else if (now < moved_at + spin_.length) {
      now < moved_at + spin_.hold ? pause_core() : yield_thread();
    } else if (prepare_sleep()) {
      const Time wake_at =
          std::min({until, coordinator_.next_deadline(), time_after(now, spin_.look_again)});
      const bool interrupted = idle_.sleep(wake_at);
      end_sleep();
      if (interrupted) {
        return WaitOutcome::interrupted;
      }
    }
  }
  return WaitOutcome::done;  // of driving; wait() looks at the operation itself
}

// Its own operation is done. What else is under way is the background thread's work: a small
// collective beside a big one would otherwise return with the big one only.
void Progress::release_as_user() {
  bool may_sleep = prepare_sleep();
  for (int looks = 0; !may_sleep && looks < kLooksBeforeHandOver; ++looks) {
    (void)pass();
    may_sleep = prepare_sleep();
  }
  const Time deadline = coordinator_.next_deadline();
  idle_.unclaim();  // first: the next holder's claim must not be undone
  coordinator_.baton.give_back();
  // Between unclaim and give_back the background thread may have been woken for something that came
  // after our last look; it found the baton taken and has used its ring up.
  if (!may_sleep || wants_baton_.load(std::memory_order_seq_cst) ||
      deadline < parked_until_.load(std::memory_order_seq_cst)) {
    idle_.ring_parked();
  }
  coordinator_.handles().notify();
}

void Progress::leave(Time until) {
  stopping_.store(true, std::memory_order_seq_cst);
  idle_.ring_parked();
  background_.join();
  coordinator_.handles().notify();
  while (!coordinator_.baton.try_take()) {
    idle_.ring();  // a user's thread that drives sees `stopping_` when it wakes
    yield_thread();
  }
  idle_.claim();
  end_sleep();
  coordinator_.begin_leave();
  while (!coordinator_.may_leave() && clock_.now() < until) {
    if (!pass() && prepare_sleep()) {
      (void)idle_.sleep(std::min(
          {until, coordinator_.next_deadline(), time_after(clock_.now(), spin_.look_again)}));
      end_sleep();
    }
  }
  coordinator_.finish_leave();
  coordinator_.baton.give_back();
}

}  // namespace hvd
