// launcher/job_secret.h: makes a job's secret and the descriptor from which ranks read it.
// Not here: using the secret (backends/net/secret.h).
// Threads: any.  Limits: needs memfd_create.
// Read next: rank_environment.h.
#pragma once

#include "backends/net/fd.h"
#include "core/base/status.h"

namespace hvd {

// A fresh secret as 64 hexadecimal digits in a sealed memory file: it has no name in the file
// system, cannot be changed, and is read with pread at offset 0, any number of times, by every rank
// and by what a rank executes. The number is high, so that programs that use fixed low descriptors
// do not close it.
Result<Fd> make_secret_fd();

}  // namespace hvd
