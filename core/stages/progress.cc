#include "core/stages/progress.h"

#include <algorithm>
#include <utility>

namespace hvd {
namespace {

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

bool Progress::pass(Time now) {
  bool activity = false;
  if (now >= next_socket_look_) {
    activity = idle_.poll();
    next_socket_look_ = spin_.socket_look == 0 ? 0 : now + spin_.socket_look;
  }
  return coordinator_.run_pass() || activity;
}

bool Progress::prepare_sleep() {
  sleeping_.store(true, std::memory_order_seq_cst);
  if (!coordinator_.has_submissions() && data_.prepare_sleep() && !coordinator_.has_messages() &&
      !coordinator_.has_open_position()) {
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
  if (ring_sleeper() && comes_soon_.load(std::memory_order_seq_cst)) {
    idle_.ring_parked();  // it may nap, for milliseconds, and hears nothing else
  }
}

bool Progress::ring_sleeper() {
  // The queue's mutex orders this against prepare_sleep: if that looked into the queue before the
  // submission, its announcement is visible here; if after, it saw the submission.
  const bool sleeps = sleeping_.load(std::memory_order_seq_cst);
  if (sleeps) {
    idle_.ring();
  }
  return sleeps;
}

// ---- the background thread ---------------------------------------------------------------------

void Progress::background_loop() {
  std::uint64_t turns_seen = 0;
  while (!stopping_.load(std::memory_order_seq_cst)) {
    // Before trying: a user's thread that gives the baton back after our failed try reads these.
    parked_until_.store(kNever, std::memory_order_seq_cst);
    comes_soon_.store(false, std::memory_order_seq_cst);
    wants_baton_.store(true, std::memory_order_seq_cst);
    if (!coordinator_.baton.try_take()) {
      // Whoever has it handles what comes; to be woken by that as well would only take its core.
      rest(park_without_turn(turns_seen), false, turns_seen);
      continue;
    }
    wants_baton_.store(false, std::memory_order_seq_cst);
    handed_over_.store(false, std::memory_order_seq_cst);
    next_socket_look_ = 0;
    end_sleep();
    const bool quiet = drive_until_quiet();
    const Time until = quiet ? park_after_turn(turns_seen) : hand_over();
    coordinator_.baton.give_back();
    if (handed_over_.load(std::memory_order_seq_cst) &&
        waiting_.load(std::memory_order_seq_cst) == 0) {
      continue;  // it has gone away
    }
    coordinator_.handles().notify();  // a waiter may drive from here on
    rest(until, quiet, turns_seen);
  }
}

bool Progress::users_came(std::uint64_t& turns_seen) const {
  const std::uint64_t turns = user_turns_.load(std::memory_order_relaxed);
  return turns != std::exchange(turns_seen, turns);
}

// Until `until`, and on as long as users' threads come and go: they do all that is to be done, and
// a background thread with the baton that has lost its core would hold them up. Looking costs them
// a timer and two switches of threads (50 us of every 285 on a virtual machine, by a trace), so the
// looks become rarer.
void Progress::rest(Time until, bool listens, std::uint64_t& turns_seen) {
  if (stopping_.load(std::memory_order_seq_cst)) {
    return;
  }
  listens ? idle_.park(until) : idle_.nap(until);
  Nanos nap = spin_.listen_after;
  while (comes_soon_.load(std::memory_order_relaxed) &&
         !stopping_.load(std::memory_order_seq_cst) && clock_.now() >= until &&
         users_drive(nap, turns_seen)) {
    nap = std::min(2 * nap, std::max(spin_.listen_after, spin_.listen_after_most));
    until = time_after(clock_.now(), nap);
    parked_until_.store(until, std::memory_order_seq_cst);
    idle_.nap(until);
  }
}

// One that is in a longer call than the longest nap rings when it goes: that is less than looks.
bool Progress::users_drive(Nanos nap, std::uint64_t& turns_seen) const {
  return users_came(turns_seen) || (nap < spin_.listen_after_most && coordinator_.baton.taken());
}

bool Progress::drive_until_quiet() {
  while (!stopping_.load(std::memory_order_relaxed)) {
    if (waiting_.load(std::memory_order_relaxed) > 0) {
      return false;
    }
    if (!pass(spin_.socket_look == 0 ? 0 : clock_.now()) && prepare_sleep()) {
      return true;
    }
  }
  return true;
}

// How long to park.
Time Progress::park_after_turn(std::uint64_t& turns_seen) {
  Time until = coordinator_.next_deadline();
  if (users_came(turns_seen) && spin_.listen_after > 0 && coordinator_.at_rest()) {
    if (!rest_unannounced()) {
      return clock_.now();  // who submitted has found us awake, and does not ring
    }
    comes_soon_.store(true, std::memory_order_seq_cst);
    until = std::min(until, time_after(clock_.now(), spin_.listen_after));
  }
  parked_until_.store(until, std::memory_order_seq_cst);
  return until;
}

// To a user's thread, which rings when it goes. But where blocking calls follow each other while
// work is under way, each would ring and then wait for the baton again, two switches of threads in
// which the work stands still. So from the second on this thread comes back by itself.
Time Progress::hand_over() {
  handed_over_.store(true, std::memory_order_seq_cst);
  const Time now = clock_.now();
  const bool in_a_row = now < time_after(handed_over_at_, spin_.listen_after);
  handed_over_at_ = now;
  if (!in_a_row) {
    wants_baton_.store(true, std::memory_order_seq_cst);
    return kNever;
  }
  const Time until = time_after(now, spin_.listen_after);
  parked_until_.store(until, std::memory_order_seq_cst);
  comes_soon_.store(true, std::memory_order_seq_cst);
  return until;
}

// While users' threads come and go there is no need to be rung for.
Time Progress::park_without_turn(std::uint64_t& turns_seen) {
  if (!users_came(turns_seen) || spin_.listen_after == 0) {
    return kNever;  // one that stays rings when it goes
  }
  const Time until = time_after(clock_.now(), spin_.listen_after);
  parked_until_.store(until, std::memory_order_seq_cst);
  comes_soon_.store(true, std::memory_order_seq_cst);
  wants_baton_.store(false, std::memory_order_seq_cst);
  return until;
}

// Takes the announcement towards peers back and leaves that towards submissions. False if something
// came.
bool Progress::rest_unannounced() {
  data_.say_done();
  data_.end_sleep();
  return announce_to_submitters();
}

bool Progress::announce_to_submitters() {
  sleeping_.store(true, std::memory_order_seq_cst);
  if (!coordinator_.has_submissions()) {
    return true;
  }
  sleeping_.store(false, std::memory_order_seq_cst);
  return false;
}

// ---- user threads ------------------------------------------------------------------------------

WaitOutcome Progress::wait(const Operation& operation, Time until) {
  if (!operation.done.load(std::memory_order_acquire)) {
    coordinator_.note_wait(operation, clock_.now());
  }
  const WaitOutcome outcome = wait_and_drive(operation, until);
  if (outcome == WaitOutcome::done) {
    coordinator_.note_return();
  }
  if (handed_over_.load(std::memory_order_seq_cst)) {
    idle_.ring_parked();  // perhaps for us, and we do not take it
  }
  return outcome;
}

WaitOutcome Progress::wait_and_drive(const Operation& operation, Time until) {
  while (!operation.done.load(std::memory_order_acquire)) {
    if (clock_.now() >= until) {
      return WaitOutcome::timed_out;
    }
    if (!stopping_.load(std::memory_order_relaxed) && coordinator_.baton.try_take()) {
      handed_over_.store(false, std::memory_order_seq_cst);
      if (spin_.socket_look == 0) {
        claim();
      }
      end_sleep();
      const WaitOutcome outcome = drive(operation, until);
      release_as_user();
      if (outcome != WaitOutcome::done) {
        return outcome;
      }
      continue;  // done, or the runtime is leaving
    }
    wait_for_turn(operation, until);
  }
  return WaitOutcome::done;
}

// Somebody else has the baton: the background thread, which gives it up between two passes, or
// another user's thread, which goes on until its own operation is done.
void Progress::wait_for_turn(const Operation& operation, Time until) {
  waiting_.fetch_add(1, std::memory_order_seq_cst);
  // A blocking caller has not rung, and whoever holds the baton may have looked for submissions
  // for the last time before ours came.
  ring_sleeper();
  const std::uint64_t notices = coordinator_.handles().notices();
  const auto must_wait = [&] {
    return !operation.done.load(std::memory_order_acquire) && coordinator_.baton.taken();
  };
  const Time start = clock_.now();
  for (Time now = start; must_wait() && now < start + spin_.length && now < until;
       now = clock_.now()) {
    yield_thread();
  }
  if (must_wait()) {
    coordinator_.handles().sleep_until_done(
        operation, std::min(until, time_after(clock_.now(), spin_.look_again)), notices);
  }
  waiting_.fetch_sub(1, std::memory_order_seq_cst);
}

WaitOutcome Progress::drive(const Operation& operation, Time until) {
  Time now = clock_.now();
  Time moved_at = now;
  next_socket_look_ = std::min(next_socket_look_, now + spin_.socket_look);
  while (!stopping_.load(std::memory_order_relaxed)) {
    const bool moved = pass(now);
    if (operation.done.load(std::memory_order_acquire)) {
      return WaitOutcome::done;
    }
    now = clock_.now();
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
      claim();
      const bool interrupted = idle_.sleep(wake_at);
      end_sleep();
      if (interrupted) {
        return WaitOutcome::interrupted;
      }
    }
  }
  return WaitOutcome::done;  // of driving; wait() looks at the operation itself
}

void Progress::claim() {
  if (!claimed_) {
    claimed_ = true;
    idle_.claim();
  }
}

Progress::Heir Progress::find_heir() {
  if (waiting_.load(std::memory_order_seq_cst) > 0) {
    handed_over_.store(true, std::memory_order_seq_cst);
    return Heir::waiter;
  }
  // It naps and hears no peer ring, so that peers who rang would lose a system call each.
  if (comes_soon_.load(std::memory_order_seq_cst)) {
    while (!rest_unannounced()) {
      (void)pass(clock_.now());
    }
    return Heir::background;
  }
  // A message that is just arriving is cheaper to handle than to wake a thread for.
  for (int looks = kLooksBeforeHandOver; !prepare_sleep(); --looks) {
    if (looks <= 0) {
      return Heir::nobody;
    }
    (void)pass(clock_.now());
  }
  return Heir::whoever_is_rung;
}

// After the baton was given back: those for whom we went may have gone, and the background thread
// may have been woken for something that came after our last look; it found the baton taken and has
// used its ring up.
bool Progress::goes_on(Heir heir) const {
  const bool background_missed = wants_baton_.load(std::memory_order_seq_cst);
  switch (heir) {
    case Heir::waiter:
      return waiting_.load(std::memory_order_seq_cst) > 0;
    case Heir::background:
      return comes_soon_.load(std::memory_order_seq_cst) && !background_missed;
    case Heir::whoever_is_rung:
      return !background_missed;
    case Heir::nobody:
      return false;
  }
  return false;
}

// Its own operation is done. What else is under way is the background thread's work: a small
// collective beside a big one would otherwise return with the big one only.
void Progress::release_as_user() {
  user_turns_.fetch_add(1, std::memory_order_relaxed);
  const Heir heir = find_heir();
  const Time deadline = coordinator_.next_deadline();
  if (std::exchange(claimed_, false)) {
    idle_.unclaim();  // first: the next holder's claim must not be undone
  }
  coordinator_.baton.give_back();
  if (!goes_on(heir) || deadline < parked_until_.load(std::memory_order_seq_cst)) {
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
  claim();
  end_sleep();
  coordinator_.begin_leave();
  while (!coordinator_.may_leave() && clock_.now() < until) {
    if (!pass(clock_.now()) && prepare_sleep()) {
      (void)idle_.sleep(std::min(
          {until, coordinator_.next_deadline(), time_after(clock_.now(), spin_.look_again)}));
      end_sleep();
    }
  }
  coordinator_.finish_leave();
  coordinator_.baton.give_back();
}

}  // namespace hvd
