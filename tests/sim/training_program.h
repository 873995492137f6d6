// tests/sim/training_program.h: random programs that repeat themselves, as a training does: steps
// of the same tensors in any order, with waits, and with what does not come in every step. Not
// here: programs without a pattern (program.h).  Threads: one.  Limits: none. Read next:
// sim_test.cc.
#pragma once

#include "tests/sim/program.h"

namespace hvd::sim {

// All ranks submit the same batches in the same order, each in its own order within a batch; a name
// is used again only once its last use is done. So without plans such a program comes to its end.
Program training_program(std::uint64_t seed);

}  // namespace hvd::sim
