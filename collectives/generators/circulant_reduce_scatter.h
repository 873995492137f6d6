// collectives/generators/circulant_reduce_scatter.h: ever fewer parts are combined with ever nearer
// ranks. Not here: one part after the other (ring_reduce_scatter.h).  Threads: pure function.
// Limits: parameters that check_params accepts.  Read next: circulant.h.
#pragma once

#include "collectives/schedule.h"
#include "collectives/schedule_params.h"

namespace hvd {

// ceil(log2 p) rounds for any p, in which a rank sends every part but its own once.
Schedule make_circulant_reduce_scatter(const ScheduleParams& params);

}  // namespace hvd
