// collectives/generators/slots_alltoall.h: everybody puts each rank's part into a stripe of his
// slots; they fetch it. Not here: several hosts (pairwise_alltoall.h). Threads: pure function.
// Limits: all ranks share slots. Read next: slot_window.h.
#pragma once

#include "collectives/schedule.h"
#include "collectives/schedule_params.h"

namespace hvd {

// A rank knows the sizes only of what it sends and gets, and that is enough: a stripe is as long
// for every pair, and nobody waits for a chunk that its pair does not have.
Schedule make_slots_alltoall(const ScheduleParams& params);

}  // namespace hvd
