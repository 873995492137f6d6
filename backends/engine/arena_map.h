// backends/engine/arena_map.h: where this rank sees the arenas of the ranks of its host.
// Not here: allocating in one (backends/shm/arena.h), finding a tensor in one (peer_tensors.h).
// Threads: constant once made.  Limits: none.
// Read next: peer_tensors.h.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/vocabulary/rank.h"

namespace hvd {

struct ArenaMap {
  std::vector<std::span<std::byte>> arenas;  // by world rank; empty: on another host, or has none

  // Whether `bytes` bytes from `memory` on lie in the arena of `rank`.
  bool contains(Rank rank, const std::byte* memory, std::size_t bytes) const {
    const std::span<std::byte> arena = arenas[rank.index()];
    return !arena.empty() && memory >= arena.data() && memory <= arena.data() + arena.size() &&
           bytes <= static_cast<std::size_t>(arena.data() + arena.size() - memory);
  }
};

}  // namespace hvd
