// launcher/process_tree.h: all processes below this one, and how a subreaper ends and reaps them.
// Not here: when (job_state.h).
// Threads: call from a process with one thread.  Limits: needs /proc/PID/task/TID/children.
// Read next: job.h.
#pragma once

#include <sys/types.h>

#include <functional>
#include <vector>

#include "core/base/clock.h"
#include "launcher/job_story.h"

namespace hvd {

// From now on orphans below this process become its children instead of those of PID 1, so that no
// descendant can get away by having its parent die.
void become_subreaper();

// Children, their children, and so on, as they are now.
std::vector<pid_t> descendants();
void signal_descendants(int signal);

// Collects every child that has ended. False when no child is left at all.
bool reap(const std::function<void(pid_t, ProcessEnd)>& ended);

// Kills and reaps until nothing is left below this process, or until `patience` is over. True if
// nothing is left. SIGCHLD must be blocked.
bool kill_descendants_now(Nanos patience);

}  // namespace hvd
