// launcher/child.h: starts one process as a rank: own process group, dies with its parent.
// Not here: which command and environment (command_lookup.h, rank_environment.h).
// Threads: call from a process with one thread.  Limits: Linux.
// Read next: job.h.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <string>
#include <vector>

#include "core/base/status.h"
#include "launcher/rank_environment.h"

namespace hvd {

// How signals were set when hvdrun started; ranks get them like that.
struct SignalSetting {
  sigset_t mask{};
  bool pipe_ignored = false;
};

struct ChildSpec {
  std::string program;               // path of the file
  std::vector<std::string> command;  // its words, the first as the user wrote it
  Variables environment;
  int stdin_fd = -1;
  int stdout_fd = -1;
  int stderr_fd = -1;
  int kept_fd = -1;  // one more descriptor that stays open under its number
};

// Returns after exec has succeeded, or with the reason why it did not (exit_status_for fits).
Result<pid_t> start_child(const ChildSpec& spec, const SignalSetting& signals);

}  // namespace hvd
