// bindings/c/spin_policy.h: how long a blocked thread polls, from the cores that its rank has.
// Not here: polling (core/stages/progress.h).
// Threads: pure function; allowed_core_count any.  Limits: none.
// Read next: core/stages/progress.h.
#pragma once

#include <cstdint>

#include "core/stages/progress.h"

namespace hvd {

// `setting_microseconds` is HVD_SPIN_MICROSECONDS; -1 decides by cores: a rank with a core of its
// own keeps it for a while, ranks that share cores give them away at once, so that the one they
// wait for can run.
// `tuned` is what a rank with a core of its own polls for then (collectives/tuning.h).
// `one_host`: what ranks say to each other passes through shared memory, not through sockets.
SpinPolicy spin_policy(double allowed_cores, int local_size, std::int64_t setting_microseconds,
                       Nanos tuned, bool one_host);

}  // namespace hvd
