#include "launcher/job_state.h"

#include <signal.h>

#include "tests/catch.h"

namespace hvd {
namespace {

using Kind = JobStep::Kind;
using Steps = std::vector<JobStep>;

constexpr ProcessEnd kOk{};
constexpr ProcessEnd kFailed{.by_signal = false, .number = 3};
constexpr ProcessEnd kKilled{.by_signal = true, .number = SIGKILL};
constexpr ProcessEnd kTerminated{.by_signal = true, .number = SIGTERM};
constexpr Nanos kGrace = 5 * kSecond;

// A job of `rank_count` ranks that all started at time 0.
JobState started_job(int rank_count) {
  JobState job(rank_count, kGrace);
  for (int rank = 0; rank < rank_count; ++rank) {
    job.rank_started(100 + rank, 0);
  }
  return job;
}

void end_rank(JobState& job, int rank, ProcessEnd end, Time now, bool leftovers = false) {
  job.ranks_ended({{rank, end}}, now);
  job.leftovers_seen(leftovers || !job.all_ranks_ended(), now);
}

TEST_CASE("a job whose ranks all succeed is over at once with status 0", "[job_state]") {
  JobState job = started_job(2);
  CHECK(job.deadline() == kNever);
  end_rank(job, 1, kOk, kSecond);
  CHECK(!job.over());
  CHECK(job.deadline() == kNever);  // the other one may take all the time it wants
  end_rank(job, 0, kOk, 2 * kSecond);
  CHECK(job.over());
  CHECK(job.exit_status() == 0);
  CHECK(job.take_steps().empty());
}

TEST_CASE("after a failure the others get time, then SIGTERM, then SIGKILL", "[job_state]") {
  JobState job = started_job(3);
  end_rank(job, 1, kFailed, kSecond);
  CHECK(job.take_steps().empty());
  CHECK(job.deadline() == kSecond + kSettleTime);
  job.time_passed(job.deadline() - 1);
  CHECK(job.take_steps().empty());
  job.time_passed(job.deadline());
  CHECK(job.take_steps() == Steps{{Kind::tell_ending, SIGTERM}, {Kind::signal_ranks, SIGTERM}});
  const Time kill_time = kSecond + kSettleTime + kGrace;
  CHECK(job.deadline() == kill_time);
  end_rank(job, 0, kTerminated, kill_time - 1);
  job.time_passed(kill_time);
  CHECK(job.take_steps() == Steps{{Kind::signal_everything, SIGKILL}});
  end_rank(job, 2, kKilled, kill_time + 1);
  CHECK(job.over());
  CHECK(job.exit_status() == 3);
  CHECK(job.story().first_failed == 1);
  CHECK(job.story().ranks[0].last_signal == SIGTERM);
  CHECK(job.story().ranks[1].last_signal == 0);
  CHECK(job.story().ranks[2].last_signal == SIGKILL);
}

TEST_CASE("others that fail by themselves after the first do not change the cause", "[job_state]") {
  JobState job = started_job(3);
  end_rank(job, 2, kKilled, kSecond);
  end_rank(job, 0, kFailed, kSecond + 1);
  end_rank(job, 1, kFailed, kSecond + 2);
  CHECK(job.over());
  CHECK(job.story().first_failed == 2);
  CHECK(job.exit_status() == 128 + SIGKILL);
  CHECK(job.take_steps().empty());
}

TEST_CASE("of ranks that ended in one look the killed one is the cause", "[job_state]") {
  JobState job = started_job(3);
  job.ranks_ended({{0, kFailed}, {1, kOk}, {2, kKilled}}, kSecond);
  CHECK(job.story().first_failed == 2);
  JobState other = started_job(3);
  other.ranks_ended({{2, kFailed}, {1, kFailed}}, kSecond);
  CHECK(other.story().first_failed == 1);
}

TEST_CASE("a terminating signal is passed on, told, and followed by SIGKILL", "[job_state]") {
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT}) {
    JobState job = started_job(2);
    job.signal_arrived(signal, kSecond);
    CHECK(job.take_steps() ==
          Steps{{Kind::signal_ranks, signal}, {Kind::tell_interrupted, signal}});
    CHECK(job.deadline() == kSecond + kGrace);
    job.time_passed(job.deadline());
    CHECK(job.take_steps() == Steps{{Kind::signal_everything, SIGKILL}});
    job.ranks_ended({{0, kKilled}, {1, kKilled}}, 7 * kSecond);
    job.leftovers_seen(false, 7 * kSecond);
    CHECK(job.over());
    CHECK(job.exit_status() == 128 + signal);
    CHECK(!job.story().first_failed);
  }
}

TEST_CASE("ranks that end well after a signal still give the signal's status", "[job_state]") {
  JobState job = started_job(1);
  job.signal_arrived(SIGTERM, kSecond);
  end_rank(job, 0, kOk, 2 * kSecond);
  CHECK(job.exit_status() == 128 + SIGTERM);
}

TEST_CASE("a second interrupt kills at once, a doubled one does not", "[job_state]") {
  JobState job = started_job(2);
  job.signal_arrived(SIGINT, kSecond);
  (void)job.take_steps();
  job.signal_arrived(SIGINT, kSecond + kMillisecond);  // as timeout(1) does
  CHECK(job.take_steps().empty());
  job.signal_arrived(SIGINT, 2 * kSecond);
  CHECK(job.take_steps() == Steps{{Kind::signal_everything, SIGKILL}});
}

TEST_CASE("user signals go to the rank's process and not to its workers", "[job_state]") {
  JobState job = started_job(1);
  job.signal_arrived(SIGUSR1, kSecond);
  job.signal_arrived(SIGUSR2, kSecond);
  CHECK(job.take_steps() ==
        Steps{{Kind::signal_processes, SIGUSR1}, {Kind::signal_processes, SIGUSR2}});
  CHECK(job.deadline() == kNever);
  end_rank(job, 0, kOk, 2 * kSecond);
  CHECK(job.exit_status() == 0);
}

TEST_CASE("job control reaches whole groups and ends nothing", "[job_state]") {
  for (const int signal : {SIGTSTP, SIGCONT}) {
    JobState job = started_job(1);
    job.signal_arrived(signal, kSecond);
    CHECK(job.take_steps() == Steps{{Kind::signal_ranks, signal}});
    CHECK(job.deadline() == kNever);
    end_rank(job, 0, kOk, 2 * kSecond);
    CHECK(job.exit_status() == 0);
    CHECK(job.story().ranks[0].last_signal == 0);
  }
}

TEST_CASE("a failure stays the cause when the user interrupts afterwards", "[job_state]") {
  JobState job = started_job(2);
  end_rank(job, 0, kFailed, kSecond);
  job.signal_arrived(SIGINT, kSecond + 1);
  CHECK(job.take_steps() == Steps{{Kind::signal_ranks, SIGINT}});
  end_rank(job, 1, kKilled, 2 * kSecond);
  CHECK(job.exit_status() == 3);
  CHECK(!job.story().interrupted_by);
}

TEST_CASE("what ranks leave running gets time, then SIGTERM, then SIGKILL", "[job_state]") {
  JobState job = started_job(1);
  end_rank(job, 0, kOk, kSecond, true);
  CHECK(!job.over());
  CHECK(job.deadline() == kSecond + kLeftoverTime);
  job.time_passed(job.deadline());
  CHECK(job.take_steps() == Steps{{Kind::signal_everything, SIGTERM}});
  job.leftovers_seen(true, 2 * kSecond);
  job.time_passed(kSecond + kLeftoverTime + kGrace);
  CHECK(job.take_steps() == Steps{{Kind::signal_everything, SIGKILL}});
  job.leftovers_seen(false, 7 * kSecond);
  CHECK(job.over());
  CHECK(job.exit_status() == 0);
}

TEST_CASE("killing is repeated until nothing is left, and is given up in the end", "[job_state]") {
  JobState job = started_job(1);
  job.kill_all(kSecond);
  for (Time now = kSecond; !job.over(); now = job.deadline()) {
    REQUIRE(job.take_steps() == Steps{{Kind::signal_everything, SIGKILL}});
    REQUIRE(now <= kSecond + kGiveUpTime + kKillAgainTime);
    job.time_passed(job.deadline());
  }
  CHECK(job.story().gave_up);
  CHECK(job.exit_status() == 1);
}

TEST_CASE("a job of which only some ranks could start can be ended", "[job_state]") {
  JobState job(3, kGrace);
  job.rank_started(100, 0);
  job.kill_all(1);
  CHECK(job.take_steps() == Steps{{Kind::signal_everything, SIGKILL}});
  end_rank(job, 0, kKilled, 2);
  CHECK(job.over());
}

}  // namespace
}  // namespace hvd
