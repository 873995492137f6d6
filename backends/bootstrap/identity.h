// backends/bootstrap/identity.h: which rank this process is, from options or the environment.
// Not here: which ranks share a host (topology.h); where the others are (join.h).
// Threads: pure.  Limits: none.
// Read next: join.h.
#pragma once

#include <string>

#include "core/base/status.h"
#include "core/config/config.h"
#include "core/config/environment.h"

namespace hvd {

// What the program says itself; -1 is "not said", a size of 0 too.
struct ExplicitIdentity {
  int rank = -1;
  int size = -1;
  int local_rank = -1;
  int local_size = -1;
};

struct Identity {
  int rank = 0;
  int size = 1;
  // -1: to be found out from which ranks share a host
  int local_rank = -1;
  int local_size = -1;
  int cross_rank = -1;
  int cross_size = -1;
  std::string source;  // for the log: "options of init", "HVD_RANK 1, HVD_SIZE 4"
};

// Options win, then the variables; with none at all the job is one rank alone. Half of an identity
// and one that contradicts itself are errors that name the variables and their values. The
// environment serves only to find HVD_* and HOROVOD_* variables that differ.
Result<Identity> identify(const Config& config, const ExplicitIdentity& given,
                          const Environment& environment = Environment());

// Empty, or what to warn of: this process is a job of one rank although another launcher's
// variables say that it is one of several.
std::string foreign_launcher_warning(const Identity& identity, const Environment& environment);

}  // namespace hvd
