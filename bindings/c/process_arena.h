// bindings/c/process_arena.h: the arena of this process, which outlives the jobs that it takes part
// in. Not here: what an arena is (backends/shm/arena.h).
// Threads: any.  Limits: one capacity for the life of the process.
// Read next: memory.cc.
#pragma once

#include <memory>

#include "backends/shm/arena.h"

namespace hvd {

// Made at the first call, as large as HVD_ARENA_BYTES says then; the same afterwards. It is kept
// over shutdown and init, so that tensors stay where they are and their pages stay touched.
Result<std::shared_ptr<Arena>> process_arena();

}  // namespace hvd
