// collectives/generators/single_copy_allgather.h: everybody reads the others' parts where they lie.
// Not here: parts that pass through slots (slots_allgather.h), how memory of another process is
// read (backends/engine/memory_reader.h). Threads: pure function.  Limits: all ranks are of one
// host and may read one another's memory. Read next: ../schedule.h, peer_part.
#pragma once

#include "collectives/schedule.h"
#include "collectives/schedule_params.h"

namespace hvd {

// Each byte is copied once. Parts may differ in size and be empty.
Schedule make_single_copy_allgather(const ScheduleParams& params);

}  // namespace hvd
