// tests/bench/perf_job.h: which rank of a benchmark this process is, and where the ranks meet.
// Not here: the operations (api_door.h, engine_door.h).
// Threads: the one that starts.  Limits: ranks of one file system.
// Read next: ../bench/peers/README.md, "Start".
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "tests/bench/peers/src/collectives.h"

namespace hvd::bench {

struct PerfJob {
  int rank = 0;
  int size = 1;
  std::vector<pid_t> children;  // of rank 0, if this program started its own ranks
  std::string own_store;        // of rank 0, if this program made it; end_job removes it
};

// Reads HVD_BENCH_*; without HVD_BENCH_RANK forks --np ranks. Rank 0 chooses a port and a secret
// and leaves them in the store, and every rank sets the HVD_* variables that init reads. Throws
// std::runtime_error.
PerfJob start_job(const peers::Options& options);

// The exit status of the job: that of this rank or of the first child that failed.
int end_job(const PerfJob& job, int own_status);

}  // namespace hvd::bench
