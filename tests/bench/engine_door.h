// tests/bench/engine_door.h: the operations of the benchmark straight into the engine, no names.
// Not here: by name (api_door.h), what is timed (peers/src/bench.h).
// Threads: one, which holds the engine for itself.  Limits: float32.
// Read next: bindings/c/runtime.h.
#pragma once

#include <memory>

#include "tests/bench/peers/src/collectives.h"

namespace hvd::bench {

// Joins the job by the HVD_* variables, forms its transports and opens the engine. --spins N: how
// many turns a wait takes before it yields. Throws std::runtime_error with hvd's error text, as do
// the operations.
std::unique_ptr<peers::Collectives> open_engine_door(const peers::Options& options);

}  // namespace hvd::bench
