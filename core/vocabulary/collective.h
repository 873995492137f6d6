// core/vocabulary/collective.h: the operations that ranks do together.
// Not here: how they are done (collectives/), what a user asked for (request.h).
// Threads: pure functions.  Limits: the numbers are part of the wire.
// Read next: request.h.
#pragma once

#include <cstdint>
#include <string_view>

namespace hvd {

enum class CollectiveKind : std::uint8_t {
  allreduce = 0,
  allgather = 1,
  broadcast = 2,
  barrier = 3
};

inline constexpr int kCollectiveKindCount = 4;

constexpr bool valid_collective(int value) { return value >= 0 && value < kCollectiveKindCount; }

constexpr std::string_view collective_name(CollectiveKind kind) {
  switch (kind) {
    case CollectiveKind::allreduce:
      return "allreduce";
    case CollectiveKind::allgather:
      return "allgather";
    case CollectiveKind::broadcast:
      return "broadcast";
    case CollectiveKind::barrier:
      return "barrier";
  }
  return "unknown";
}

}  // namespace hvd
