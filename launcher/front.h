// launcher/front.h: the process that the user started; it watches over the one that runs the job.
// Not here: the job (job.h).
// Threads: call from a process with one thread.  Limits: Linux.
// Read next: job.h.
#pragma once

#include <functional>

#include "backends/net/fd.h"
#include "core/base/status.h"
#include "launcher/child.h"

namespace hvd {

// What the job's process gets from its front.
struct FrontEnds {
  Fd life;       // reaches its end when the front has died, however that came
  int stdin_fd;  // for rank 0
};

// Runs `job` in a second process, in a process group of its own, and gives its exit status.
// Two processes, so that no kill -9 leaves anything behind. Whichever of them dies, the other one
// still stands above all descendants as their subreaper and kills them: the front when the job's
// process dies, the job's process when `life` ends. The front stays in the terminal's foreground
// group: it passes signals on, reads the terminal, and stops and goes on for job control.
Result<int> run_with_front(const std::function<int(FrontEnds)>& job);

}  // namespace hvd
