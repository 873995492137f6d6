// tests/sim/expected.h: what a use must give a rank, from the program alone.
// Not here: whether it ended well (sim_run.h), WorkItems (reference_collectives.h).
// Threads: one.  Limits: none.  Read next: sim_run.cc.
#pragma once

#include <optional>
#include <vector>

#include "tests/sim/program.h"

namespace hvd::sim {

// The elements that the rank gets; nothing where it gets none, as in a barrier or for a sender.
std::optional<std::vector<double>> expected_result(const Use& use, Rank rank, int rank_count,
                                                   std::uint64_t seed);

}  // namespace hvd::sim
