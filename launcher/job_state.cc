#include "launcher/job_state.h"

#include <signal.h>

#include <algorithm>

namespace hvd {

JobState::JobState(int rank_count, Nanos grace) : grace_(grace) {
  story_.ranks.resize(static_cast<std::size_t>(rank_count));
}

bool JobState::ends_job(int signal) {
  return signal == SIGINT || signal == SIGTERM || signal == SIGHUP || signal == SIGQUIT;
}

void JobState::step(JobStep::Kind kind, int signal) {
  steps_.push_back({kind, signal});
  const bool tells = kind == JobStep::Kind::tell_ending || kind == JobStep::Kind::tell_interrupted;
  if (tells || !(ends_job(signal) || signal == SIGKILL)) {
    return;  // the story is about what may have ended a rank
  }
  for (RankStory& rank : story_.ranks) {
    if (rank.pid >= 0 && !rank.end) {
      rank.last_signal = signal;
    }
  }
}

void JobState::rank_started(pid_t pid, Time now) {
  RankStory& rank = story_.ranks[static_cast<std::size_t>(next_rank_++)];
  rank.pid = pid;
  rank.started = now;
  ++living_;
}

void JobState::ranks_ended(const std::vector<std::pair<int, ProcessEnd>>& ended, Time now) {
  std::optional<int> failed;
  for (const auto& [rank, end] : ended) {
    RankStory& story = story_.ranks[static_cast<std::size_t>(rank)];
    story.end = end;
    story.ended = now;
    --living_;
    if (end.success()) {
      continue;
    }
    // Of several in one look the killed one is the cause: the others saw its connection break.
    const auto order = [&](int r) {
      return std::pair(!story_.ranks[static_cast<std::size_t>(r)].end->by_signal, r);
    };
    if (!failed || order(rank) < order(*failed)) {
      failed = rank;
    }
  }
  if (failed && phase_ == Phase::running) {
    rank_failed(*failed, now);
  }
  if (living_ == 0 && phase_ != Phase::killing && phase_ != Phase::over) {
    enter(Phase::sweeping, now + kLeftoverTime);
  }
}

void JobState::rank_failed(int rank, Time now) {
  story_.first_failed = rank;
  enter(Phase::settling, now + kSettleTime);
}

void JobState::signal_arrived(int signal, Time now) {
  if (signal == last_signal_ && now - last_signal_time_ < kSameSignalTime) {
    return;
  }
  last_signal_ = signal;
  last_signal_time_ = now;
  if (phase_ == Phase::killing || phase_ == Phase::over) {
    return;
  }
  if (signal == SIGINT && std::exchange(interrupt_seen_, true)) {
    start_killing(now);
    return;
  }
  const bool for_program = signal == SIGUSR1 || signal == SIGUSR2;
  step(for_program ? JobStep::Kind::signal_processes : JobStep::Kind::signal_ranks, signal);
  if (!ends_job(signal)) {
    return;
  }
  if (!story_.first_failed && !story_.interrupted_by) {
    story_.interrupted_by = signal;
    step(JobStep::Kind::tell_interrupted, signal);
  }
  if (phase_ == Phase::sweeping) {
    start_killing(now);
  } else if (phase_ != Phase::ending) {
    enter(Phase::ending, now + grace_);
  }
}

void JobState::kill_all(Time now) {
  if (phase_ != Phase::over) {
    start_killing(now);
  }
}

void JobState::start_killing(Time now) {
  step(JobStep::Kind::signal_everything, SIGKILL);
  if (phase_ != Phase::killing) {
    give_up_ = now + kGiveUpTime;
  }
  enter(Phase::killing, now + kKillAgainTime);
}

void JobState::leftovers_seen(bool any, Time now) {
  if (!all_ranks_ended() || phase_ == Phase::over) {
    return;
  }
  if (!any) {
    enter(Phase::over, kNever);
  } else if (phase_ != Phase::killing && phase_ != Phase::sweeping) {
    enter(Phase::sweeping, now + kLeftoverTime);
  }
}

void JobState::time_passed(Time now) {
  if (now < deadline_) {
    return;
  }
  switch (phase_) {
    case Phase::settling:
      step(JobStep::Kind::tell_ending, SIGTERM);
      step(JobStep::Kind::signal_ranks, SIGTERM);
      enter(Phase::ending, now + grace_);
      break;
    case Phase::sweeping:
      if (std::exchange(sweep_asked_, true)) {
        start_killing(now);
      } else {
        step(JobStep::Kind::signal_everything, SIGTERM);
        enter(Phase::sweeping, now + grace_);
      }
      break;
    case Phase::ending:
      start_killing(now);
      break;
    case Phase::killing:
      if (now >= give_up_) {
        story_.gave_up = true;
        enter(Phase::over, kNever);
      } else {
        start_killing(now);
      }
      break;
    case Phase::running:
    case Phase::over:
      enter(phase_, kNever);
      break;
  }
}

int JobState::exit_status() const {
  if (story_.first_failed) {
    return story_.ranks[static_cast<std::size_t>(*story_.first_failed)].end->exit_status();
  }
  if (story_.interrupted_by) {
    return 128 + *story_.interrupted_by;
  }
  return story_.gave_up ? 1 : 0;
}

}  // namespace hvd
