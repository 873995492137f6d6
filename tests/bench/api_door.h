// tests/bench/api_door.h: the operations of the benchmark through hvd.h, by name.
// Not here: without names (engine_door.h), what is timed (peers/src/bench.h).
// Threads: one.  Limits: float32.
// Read next: bindings/c/hvd.h.
#pragma once

#include <memory>

#include "tests/bench/peers/src/bench.h"

namespace hvd::bench {

// With --arena 1 tensors come from hvd_alloc; names begin with --names. Calls hvd_init; the
// destructor hvd_shutdown. Throws std::runtime_error with hvd's error text.
std::unique_ptr<peers::Collectives> open_api_door(const peers::Options& options);

}  // namespace hvd::bench
