// collectives/figure_text.h: bytes and times as people write them.
// Not here: whole texts (decision_text.h, schedule_text.h).
// Threads: pure functions.  Limits: none.
// Read next: decision_text.h.
#pragma once

#include <string>

namespace hvd {

std::string bytes_text(double bytes);   // "1.5 MiB"
std::string time_text(double seconds);  // "26.2 us"

}  // namespace hvd
