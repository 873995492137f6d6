// tests/sim/sim_options.h: which seeds a run of sim_tests looks at.
// Not here: what a seed means (program.h).  Threads: one.  Limits: none.
// Read next: sim_main.cc.
#pragma once

#include <cstdint>
#include <optional>

namespace hvd::sim {

struct SimRunOptions {
  std::optional<std::uint64_t> seed;  // --seed N: only this one
  std::uint64_t run_count = 20000;    // --runs N: seeds 0 to N - 1
};

// Set by main from the command line before any test runs.
SimRunOptions& sim_run_options();

// The seed that runs now, for the line that is printed if the process aborts.
void note_seed(std::uint64_t seed);

}  // namespace hvd::sim
