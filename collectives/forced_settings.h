// collectives/forced_settings.h: whether HVD_ALGORITHM and HVD_CHUNK_BYTES can have their way.
// Not here: what becomes of them where they cannot (selector.h).
// Threads: pure functions.  Limits: none.
// Read next: forced_settings.cc.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "collectives/selector.h"
#include "core/base/status.h"

namespace hvd {

// What is no chunk in any job: known before anybody joins one.
Status check_chunk_bytes(std::uint64_t chunk_bytes);

// A line for each of the two that this job cannot do as it says, with what it does instead. A
// script that serves jobs of one and of several hosts may set them all the same, so that is no
// error.
std::vector<std::string> remarks_on_forced(int rank_count, const SelectorSettings& settings);

}  // namespace hvd
