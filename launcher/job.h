// launcher/job.h: runs a job: starts the ranks, relays their output, does what JobState decides.
// Not here: decisions (job_state.h), texts (report.h), the process above this one (front.h).
// Threads: the calling thread is the poller's.  Limits: one host.
// Read next: job_state.h.
#pragma once

#include <optional>
#include <string>

#include "backends/net/fd.h"
#include "core/base/status.h"
#include "core/config/environment.h"
#include "launcher/child.h"
#include "launcher/front.h"
#include "launcher/options.h"
#include "launcher/rank_environment.h"

namespace hvd {

struct JobPlan {
  LaunchOptions options;
  std::string program;      // the file that options.command[0] names
  Environment environment;  // hvdrun's
  SignalSetting signals;    // for the ranks
};

// OMP_NUM_THREADS for the ranks, if the user has not set it.
std::optional<int> choose_threads(const Environment& environment, double cores, int rank_count);

// Runs the job to its end and gives hvdrun's exit status. Whatever went wrong has been said.
int run_job(const JobPlan& plan, FrontEnds ends);

}  // namespace hvd
