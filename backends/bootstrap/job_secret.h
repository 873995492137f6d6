// backends/bootstrap/job_secret.h: where the job's secret comes from, and where none is needed.
// Not here: the secret itself (net/secret.h); proving it (net/handshake.h).
// Threads: any.  Limits: none.
// Read next: join.h.
#pragma once

#include <string>

#include "backends/net/secret.h"
#include "core/base/status.h"
#include "core/config/config.h"

namespace hvd {

struct JobSecret {
  Secret secret = Secret::none();
  std::string source;  // for the log: "HVD_SECRET_FD", "none"
};

// HVD_SECRET_FD, else HVD_SECRET_FILE, else HVD_SECRET, else none.
Result<JobSecret> find_job_secret(const Config& config);

// A job without a secret may meet on loopback only, unless HVD_INSECURE says otherwise.
Status check_secret_suffices(const JobSecret& secret, const Config& config,
                             const std::string& meeting_host);

}  // namespace hvd
