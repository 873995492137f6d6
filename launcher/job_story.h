// launcher/job_story.h: what happened to each rank of a job, as values.
// Not here: deciding what to do (job_state.h), telling it (report.h).
// Threads: values.  Limits: none.
// Read next: job_state.h.
#pragma once

#include <sys/types.h>

#include <optional>
#include <vector>

#include "core/base/clock.h"

namespace hvd {

// How a process ended: an exit code, or the signal that killed it.
struct ProcessEnd {
  bool by_signal = false;
  int number = 0;
  bool core_dumped = false;
  bool success() const { return !by_signal && number == 0; }
  // As a shell would say it.
  int exit_status() const { return by_signal ? 128 + number : number; }
};

struct RankStory {
  pid_t pid = -1;
  Time started = 0;
  std::optional<ProcessEnd> end = std::nullopt;
  Time ended = 0;
  int last_signal = 0;  // that hvdrun sent to it; 0 for none
};

struct JobStory {
  std::vector<RankStory> ranks;
  std::optional<int> first_failed;    // rank
  std::optional<int> interrupted_by;  // the signal that hvdrun got before any rank failed
  bool gave_up = false;               // some process could not be killed
};

}  // namespace hvd
