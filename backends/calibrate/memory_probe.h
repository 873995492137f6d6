// backends/calibrate/memory_probe.h: how fast a core of this host moves bytes.
// Not here: between ranks (pair_probe.h), what follows from it (collectives/tuning.h).
// Threads: the one that runs init.  Limits: kMemoryProbeBytes of heap, for as long as it takes.
// Read next: calibrate.h.
#pragma once

#include <cstddef>
#include <functional>

#include "collectives/measurements.h"
#include "core/base/clock.h"

namespace hvd {

inline constexpr std::size_t kMemoryProbeBytes = std::size_t{2} << 20;  // of each of two buffers
inline constexpr Nanos kMemoryProbeBudget = 8 * kMillisecond;

// What is timed; a test has its own.
struct MemoryWork {
  std::function<void()> copy;         // kMemoryProbeBytes by ordinary stores
  std::function<void()> copy_stream;  // the same by stores past the caches
  std::function<void()> reduce;       // fp32, in the caches; as many bytes of the result
};

// The least time of several, since others may take the core away (steady.h). Stops when the budget
// is spent; where that is too early, or the machine too busy, nothing was measured.
Measurements measure_memory(const Clock& clock, Nanos budget, const MemoryWork& work);
Measurements measure_memory(const Clock& clock, Nanos budget = kMemoryProbeBudget);

}  // namespace hvd
