// collectives/generators/circulant_allgather.h: ever more parts are fetched from ever farther
// ranks. Not here: one part after the other (ring_allgather.h).  Threads: pure function. Limits:
// parameters that check_params accepts.  Read next: circulant.h.
#pragma once

#include "collectives/schedule.h"
#include "collectives/schedule_params.h"

namespace hvd {

// ceil(log2 p) rounds for any p, and no element is sent twice to a rank. Bruck's algorithm without
// its turning round of the result: parts go to their places at once, in one or two pieces.
Schedule make_circulant_allgather(const ScheduleParams& params);

}  // namespace hvd
