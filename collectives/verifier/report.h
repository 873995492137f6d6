// collectives/verifier/report.h: words a fault of a schedule.
// Not here: finding it (execution.h, post_condition.h).
// Threads: pure functions.  Limits: none.
// Read next: execution.h.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "collectives/verifier.h"

namespace hvd {

struct FaultPlace {
  std::size_t rank = 0;
  std::size_t op_index = VerifierReport::npos;
  std::uint64_t element_begin = 0;  // of the buffer that the text speaks of
  std::uint64_t element_end = 0;
};

VerifierReport fault_report(std::span<const Schedule> schedules, VerifierRule rule,
                            const FaultPlace& place, const std::string& text);

}  // namespace hvd
