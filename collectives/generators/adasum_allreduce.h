// collectives/generators/adasum_allreduce.h: Adasum by recursive vector halving and doubling.
// Not here: the arithmetic (kernels/adasum.h), why its products are whole (verifier/products.h).
// Threads: pure function.  Limits: check_params holds; scratch of up to the whole vector.
// Read next: halving_doubling_allreduce.h, adasum_allreduce.cc.
#pragma once

#include "collectives/schedule.h"
#include "collectives/schedule_params.h"

namespace hvd {

// Any number of ranks: beyond a power of two, pairs of neighbours are combined first (fold.h).
// Then neighbours, neighbouring pairs and so on, the lower ranks on the left, so the tree is the
// same for all sizes of vector. Never narrow on the wire: its dot products are of what is added.
Schedule make_adasum_allreduce(const ScheduleParams& params);

}  // namespace hvd
