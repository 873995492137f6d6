// collectives/lane.h: ways beside each other, so that small items overtake big ones, and those that
// were agreed on in one way do not wait for those of another.
// Not here: which item takes which (selector.h), who runs them (backends/engine).
// Threads: values.  Limits: none.
// Read next: selector.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace hvd {

// Items of one lane run in the order in which they were started; lanes wait for nothing of each
// other and have slots, flags and edges of their own. The first two numbers are part of a
// ScheduleChoice, which says nothing of the way of agreement.
enum class Lane : std::uint8_t {
  express = 0,  // small items
  bulk = 1,
  planned_express = 2,  // the same of items that come by a plan
  planned_bulk = 3,
};
inline constexpr std::size_t kLaneCount = 4;
inline constexpr std::array<Lane, kLaneCount> kLanes = {Lane::express, Lane::bulk,
                                                        Lane::planned_express, Lane::planned_bulk};

constexpr bool is_express(Lane lane) {
  return lane == Lane::express || lane == Lane::planned_express;
}
constexpr Lane planned(Lane lane) {
  return is_express(lane) ? Lane::planned_express : Lane::planned_bulk;
}

constexpr std::size_t lane_index(Lane lane) { return static_cast<std::size_t>(lane); }

}  // namespace hvd
