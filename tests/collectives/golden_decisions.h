// tests/collectives/golden_decisions.h: the decisions that tests/golden keeps for review.
// Not here: comparing (decision_text_test.cc), writing (write_golden_schedules.cc).
// Threads: pure functions.  Limits: none.
// Read next: tests/golden/README.md.
#pragma once

#include <vector>

#include "tests/collectives/golden_schedules.h"

namespace hvd {

// Of some jobs, with the parameters of a job that measured nothing.
std::vector<GoldenFile> golden_decisions();

}  // namespace hvd
