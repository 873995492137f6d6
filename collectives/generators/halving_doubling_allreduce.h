// collectives/generators/halving_doubling_allreduce.h: ever smaller parts are exchanged and
// combined with ever nearer ranks, then ever larger ones collected (Rabenseifner).
// Not here: short vectors (recursive_doubling_allreduce.h).  Threads: pure function.
// Limits: parameters that check_params accepts.  Read next: fold.h.
#pragma once

#include "collectives/schedule.h"
#include "collectives/schedule_params.h"

namespace hvd {

// 2 log2 p rounds, in which a rank sends 2 (p - 1) / p of the vector, the least. Where p is no
// power of two: two rounds with the whole vector more.
Schedule make_halving_doubling_allreduce(const ScheduleParams& params);

}  // namespace hvd
