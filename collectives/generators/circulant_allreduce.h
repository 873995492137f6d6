// collectives/generators/circulant_allreduce.h: circulant reduce-scatter and allgather in one
// place. Not here: powers of two by exchanges of pairs (halving_doubling_allreduce.h). Threads:
// pure function.  Limits: parameters that check_params accepts. Read next: circulant.h.
#pragma once

#include "collectives/schedule.h"
#include "collectives/schedule_params.h"

namespace hvd {

// 2 ceil(log2 p) rounds and 2 (p - 1) / p of the vector sent by each rank, for any p: where p is no
// power of two, halving and doubling sends and receives the vector once more. In place, it needs no
// scratch.
Schedule make_circulant_allreduce(const ScheduleParams& params);

}  // namespace hvd
