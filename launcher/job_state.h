// launcher/job_state.h: decides how a job goes on: events in, steps out, no system calls.
// Not here: processes and descriptors (job.h), texts (report.h).
// Threads: belongs to one thread.  Limits: none.
// Read next: tests/launcher/job_state_test.cc.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "launcher/job_story.h"

namespace hvd {

// After a rank failed, the others learn of it in less than a second; they get this long to end with
// their own message before they are told to.
inline constexpr Nanos kSettleTime = 2 * kSecond;
// What a rank leaves running gets this long to end by itself (Python's resource tracker does, and
// ignores SIGTERM).
inline constexpr Nanos kLeftoverTime = 200 * kMillisecond;
// Signals of one kind closer than this are one: timeout(1) signals a process and then its group.
inline constexpr Nanos kSameSignalTime = 200 * kMillisecond;
inline constexpr Nanos kKillAgainTime = 50 * kMillisecond;
inline constexpr Nanos kGiveUpTime = 10 * kSecond;

// What the owner must do now.
struct JobStep {
  enum class Kind {
    signal_ranks,       // to the process group of each living rank
    signal_processes,   // to each living rank alone: its workers may not expect the signal
    signal_everything,  // to every process below hvdrun
    tell_ending,        // say that the others are being ended because a rank failed
    tell_interrupted,   // say that the signal was passed on
  };
  Kind kind;
  int signal = 0;
  friend bool operator==(const JobStep&, const JobStep&) = default;
};

class JobState {
 public:
  JobState(int rank_count, Nanos grace);

  // Events. Ranks start in order; `ended` is all that one look at the process table showed.
  void rank_started(pid_t pid, Time now);
  void ranks_ended(const std::vector<std::pair<int, ProcessEnd>>& ended, Time now);
  void signal_arrived(int signal, Time now);
  // Whatever goes on: everything must be killed now (hvdrun's front died, a rank cannot start).
  void kill_all(Time now);
  // After the last rank has ended: is any process left below hvdrun?
  void leftovers_seen(bool any, Time now);
  void time_passed(Time now);

  std::vector<JobStep> take_steps() { return std::exchange(steps_, {}); }
  Time deadline() const { return deadline_; }  // when to call time_passed
  bool all_ranks_ended() const { return living_ == 0 && next_rank_ > 0; }
  bool over() const { return phase_ == Phase::over; }
  int exit_status() const;
  const JobStory& story() const { return story_; }

 private:
  enum class Phase { running, settling, ending, killing, sweeping, over };
  void enter(Phase phase, Time deadline) {
    phase_ = phase;
    deadline_ = deadline;
  }
  void step(JobStep::Kind kind, int signal);
  void start_killing(Time now);
  void rank_failed(int rank, Time now);
  static bool ends_job(int signal);

  const Nanos grace_;
  JobStory story_;
  Phase phase_ = Phase::running;
  Time deadline_ = kNever;
  Time give_up_ = kNever;
  bool sweep_asked_ = false;  // leftovers have had SIGTERM
  int next_rank_ = 0;
  int living_ = 0;
  int last_signal_ = 0;
  Time last_signal_time_ = 0;
  bool interrupt_seen_ = false;
  std::vector<JobStep> steps_;
};

}  // namespace hvd
