// collectives/generators/ring_allreduce.h: reduce-scatter around the ring, then allgather around
// it. Not here: small vectors (recursive_doubling_allreduce.h). Threads: pure function.  Limits:
// parameters that check_params accepts. Read next: ring_allreduce.cc, then ../verifier.h.
#pragma once

#include "collectives/schedule.h"
#include "collectives/schedule_params.h"

namespace hvd {

// 2 (p - 1) steps; every rank sends and receives 2 (p - 1) / p of the vector: the least possible.
Schedule make_ring_allreduce(const ScheduleParams& params);

}  // namespace hvd
