// collectives/verifier/post_condition.h: what the outputs of a collective must be in the end.
// Not here: how they came about (execution.h).
// Threads: pure functions.  Limits: none.
// Read next: ../verifier.cc.
#pragma once

#include <span>

#include "collectives/verifier/execution.h"

namespace hvd {

// The first output element, or rank, for which the collective was not done; after a run that was
// without fault.
VerifierReport check_post_condition(std::span<const Schedule> schedules,
                                    const Execution& execution);

}  // namespace hvd
