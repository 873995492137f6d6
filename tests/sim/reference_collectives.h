// tests/sim/reference_collectives.h: collectives as they are defined, on the memory of all ranks at
// once, by what the WorkItems say.
// Not here: what a program expects of its own calls (expected.h), which must not know WorkItems.
// Threads: one.  Limits: float32 and int64; sum and maximum.  Read next: sim_data_plane.h.
#pragma once

#include <map>

#include "core/vocabulary/work_item.h"

namespace hvd::sim {

// One rank's item each, of all ranks that take part.
void run_reference(const std::map<Rank, WorkItem>& items);

}  // namespace hvd::sim
