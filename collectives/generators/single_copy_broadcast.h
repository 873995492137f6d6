// collectives/generators/single_copy_broadcast.h: everybody reads what the root has where it lies.
// Not here: chunks that pass through slots (slots_broadcast.h), how memory of another process is
// read (backends/engine/memory_reader.h). Threads: pure function.  Limits: all ranks are of one
// host and may read one another's memory. Read next: ../schedule.h, peer_part.
#pragma once

#include "collectives/schedule.h"
#include "collectives/schedule_params.h"

namespace hvd {

// Each byte is copied once for each rank, by that rank.
Schedule make_single_copy_broadcast(const ScheduleParams& params);

}  // namespace hvd
