// launcher/job_secret.h: the descriptor from which ranks read the job's secret.
// Not here: making and reading it (backends/net/secret.h).
// Threads: any.  Limits: needs memfd_create.
// Read next: rank_environment.h.
#pragma once

#include "backends/net/fd.h"
#include "backends/net/secret.h"
#include "core/base/status.h"

namespace hvd {

// The secret as 64 hexadecimal digits in a sealed memory file: it has no name in the file
// system, cannot be changed, and is read with pread at offset 0, any number of times, by every rank
// and by what a rank executes. The number is high, so that programs that use fixed low descriptors
// do not close it.
Result<Fd> make_secret_fd(const Secret& secret);

}  // namespace hvd
