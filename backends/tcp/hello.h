// backends/tcp/hello.h: the first bytes of a data connection after the proof: which edge it is.
// Not here: the proof (../net/handshake.h), the chunks (frame.h).
// Threads: pure functions.  Limits: none.
// Read next: edge_connector.h, edge_door.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "collectives/lane.h"
#include "core/base/status.h"
#include "core/vocabulary/rank.h"

namespace hvd {

// The connecting side says it, the accepting side answers with its own; both compare.
struct EdgeHello {
  Rank from;
  Rank to;
  int rank_count = 0;
  Lane lane = Lane::express;
  std::uint64_t generation = 0;  // how many times the ranks have joined a job before
  friend bool operator==(const EdgeHello&, const EdgeHello&) = default;

  EdgeHello answer() const {
    EdgeHello other = *this;
    other.from = to;
    other.to = from;
    return other;
  }
};

inline constexpr std::size_t kEdgeHelloBytes = 32;
using EdgeHelloBytes = std::array<std::byte, kEdgeHelloBytes>;

EdgeHelloBytes encode(const EdgeHello& hello);
// Ranks and counts are whatever the peer says.
Result<EdgeHello> decode_edge_hello(std::span<const std::byte, kEdgeHelloBytes> bytes);

}  // namespace hvd
