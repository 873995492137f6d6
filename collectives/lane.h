// collectives/lane.h: two ways beside each other, so that small items overtake big ones.
// Not here: which item takes which (selector.h), who runs them (backends/engine).
// Threads: values.  Limits: none.
// Read next: selector.h.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hvd {

// Items of one lane run in the order in which they were started; lanes wait for nothing of each
// other and have slots, flags and edges of their own. The numbers are part of a ScheduleChoice.
enum class Lane : std::uint8_t {
  express = 0,  // small items
  bulk = 1,
};
inline constexpr std::size_t kLaneCount = 2;

constexpr std::size_t lane_index(Lane lane) { return static_cast<std::size_t>(lane); }

}  // namespace hvd
