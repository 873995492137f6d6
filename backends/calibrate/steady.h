// backends/calibrate/steady.h: the least of several times, if the machine was quiet enough for one.
// Not here: what is timed (memory_probe.h, pair_probe.h).
// Threads: pure functions.  Limits: none.
// Read next: calibrate.h.
#pragma once

#include <algorithm>
#include <vector>

#include "core/base/clock.h"

namespace hvd {

inline constexpr std::size_t kSteadyCount = 3;
inline constexpr double kSteadyFactor = 1.25;

// A time that comes again is the machine's own; one that does not is what others left of it. 0
// where fewer than kSteadyCount are within kSteadyFactor of the least: then nothing was measured.
inline Nanos steady_least(std::vector<Nanos> times) {
  if (times.size() < kSteadyCount) {
    return 0;
  }
  std::nth_element(times.begin(), times.begin() + (kSteadyCount - 1), times.end());
  const Nanos least = *std::min_element(times.begin(), times.begin() + kSteadyCount);
  const auto limit = static_cast<Nanos>(kSteadyFactor * static_cast<double>(least));
  return times[kSteadyCount - 1] <= limit ? least : 0;
}

}  // namespace hvd
