// tests/collectives/one_shot_allreduce.h: a small allreduce over shared memory, written by hand.
// Not here: a generator for use; that one needs measurements (data_plane.md).
// Threads: pure function.  Limits: as check_params.
// Read next: verifier_test.cc.
#pragma once

#include "collectives/schedule.h"
#include "collectives/schedule_params.h"

namespace hvd {

// Chunk by chunk: a rank puts its chunk into its slot buffer, says so (flag 0), waits for the
// others to say so, adds up all slots in the order of the ranks, says that it is done with them
// (flag 1); before it overwrites its slot it waits for the others to be done.
Schedule make_one_shot_allreduce(const ScheduleParams& params);

}  // namespace hvd
