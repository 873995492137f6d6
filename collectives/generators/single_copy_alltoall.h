// collectives/generators/single_copy_alltoall.h: everybody reads what the others have for him where
// it lies. Not here: parts that pass through slots (slots_alltoall.h), how memory of another
// process is read (backends/engine/memory_reader.h). Threads: pure function.  Limits: all ranks are
// of one host and may read one another's memory. Read next: ../schedule.h, peer_part.
#pragma once

#include "collectives/schedule.h"
#include "collectives/schedule_params.h"

namespace hvd {

// Each byte is copied once. A rank knows the sizes only of what it sends and gets; where a part
// lies in the input of another, that one tells.
Schedule make_single_copy_alltoall(const ScheduleParams& params);

}  // namespace hvd
