// collectives/verifier/collective_rules.h: whether the schedules of all ranks are of one
// collective. Not here: their ops (op_rules.h). Threads: pure functions.  Limits: none. Read next:
// op_rules.h.
#pragma once

#include <span>
#include <string>

#include "collectives/schedule.h"

namespace hvd {

// Why schedules[rank] does not go with the others, or contradicts itself; "" if it does not.
std::string collective_fault(std::span<const Schedule> schedules, std::size_t rank);

}  // namespace hvd
