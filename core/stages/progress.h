// core/stages/progress.h: who drives the coordinator when: the background thread and the waiters.
// A user's thread that blocks in wait takes the baton and drives progress inline; otherwise the
// background thread drives and sleeps at once. Lost wake-ups are excluded by one order of steps:
// announce the sleep, look once more, sleep (coordination.md, "Threads").
// Not here: what a pass does (coordinator.h).  Threads: any.  Limits: none.
// Read next: coordinator.h.
#pragma once

#include <atomic>

#include "core/base/thread.h"
#include "core/ports/idle.h"
#include "core/stages/coordinator.h"

namespace hvd {

enum class WaitOutcome { done, timed_out, interrupted };

// How a blocked user's thread polls before it sleeps.
struct SpinPolicy {
  Nanos length = 0;
  // So long it keeps the core to itself; then it gives it away between two looks, since whoever it
  // waits for may need it. On a core that nobody else wants, giving it away costs 0.3 us.
  Nanos hold = 0;
  // A sleeping waiter looks at its operation, the clock and signals at least this often.
  Nanos look_again = 500 * kMillisecond;
  // Whoever polls looks at the sockets this often. 0: in every pass, since messages or data come
  // that way; else nothing but the end of a peer does.
  Nanos socket_look = 0;
  // After a blocking call the next one mostly comes before anything else does, and a peer that had
  // to ring for it would pay 2-5 us each time. So while such calls follow each other, peers are
  // told to ring only once the background thread has looked, so long later. 0: at once.
  Nanos listen_after = 0;
  // And this late once they have done so for twice as long.
  Nanos listen_after_most = 0;
};

class Progress {
 public:
  Progress(Coordinator& coordinator, DataPlane& data, Idle& idle, const Clock& clock,
           SpinPolicy spin);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // A submission was made and nobody is going to wait for it at once: sees to it that it is seen.
  void notify_submitted();
  // Drives or sleeps until the operation is done, until `until`, or until a signal.
  WaitOutcome wait(const Operation& operation, Time until);

  // Ends the background thread and drives until this rank may leave, at most until `until`.
  void leave(Time until);
  // Forked child: the background thread does not exist there.
  void abandon_thread() { background_.abandon(); }

 private:
  void background_loop();
  // True once nothing moves and this rank may sleep; false if a user's thread waits for the baton.
  bool drive_until_quiet() HVD_REQUIRES(coordinator_.baton);
  bool users_came(std::uint64_t& turns_seen) const;
  bool users_drive(Nanos nap, std::uint64_t& turns_seen) const;
  void rest(Time until, bool listens, std::uint64_t& turns_seen);
  Time park_after_turn(std::uint64_t& turns_seen) HVD_REQUIRES(coordinator_.baton);
  Time hand_over() HVD_REQUIRES(coordinator_.baton);
  Time park_without_turn(std::uint64_t& turns_seen);
  WaitOutcome drive(const Operation& operation, Time until) HVD_REQUIRES(coordinator_.baton);
  WaitOutcome wait_and_drive(const Operation& operation, Time until);
  void wait_for_turn(const Operation& operation, Time until);
  bool pass(Time now) HVD_REQUIRES(coordinator_.baton);
  // Announces the sleep; false if something came in the meantime.
  bool prepare_sleep() HVD_REQUIRES(coordinator_.baton);
  void end_sleep() HVD_REQUIRES(coordinator_.baton);
  void claim() HVD_REQUIRES(coordinator_.baton);
  bool ring_sleeper();  // false if nobody sleeps
  bool rest_unannounced() HVD_REQUIRES(coordinator_.baton);
  // False if a submission has come.
  bool announce_to_submitters() HVD_REQUIRES(coordinator_.baton);
  // Who sees to it that work goes on once a user's thread has given the baton back.
  enum class Heir { waiter, background, whoever_is_rung, nobody };
  Heir find_heir() HVD_REQUIRES(coordinator_.baton);
  bool goes_on(Heir heir) const;
  void release_as_user() HVD_RELEASE(coordinator_.baton);

  Coordinator& coordinator_;
  DataPlane& data_;
  Idle& idle_;
  const Clock& clock_;
  const SpinPolicy spin_;
  std::atomic<bool> sleeping_{false};       // whoever submits must ring
  std::atomic<Time> parked_until_{kNever};  // when the background thread wakes by itself
  std::atomic<bool> wants_baton_{false};    // the background thread found it taken
  // The background thread comes by itself within listen_after: nobody has to ring for it.
  std::atomic<bool> comes_soon_{false};
  std::atomic<std::uint64_t> user_turns_{0};  // how often a user's thread has held the baton
  std::atomic<int> waiting_{0};               // users' threads that want the baton
  // The baton was given back for one of them, with nobody else told to go on.
  std::atomic<bool> handed_over_{false};
  std::atomic<bool> stopping_{false};
  Time next_socket_look_ HVD_GUARDED_BY(coordinator_.baton) = 0;
  bool claimed_ HVD_GUARDED_BY(coordinator_.baton) = false;
  Time handed_over_at_ HVD_GUARDED_BY(coordinator_.baton) = 0;
  Thread background_;
};

}  // namespace hvd
