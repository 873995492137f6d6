// backends/engine/edges.h: the transport with the numbers of the chunks that crossed each edge.
// Not here: what a chunk is for (execution.h).
// Threads: baton holder only.  Limits: sequences count from the start of the plane, never restart.
// Read next: transport.h.
#pragma once

#include <cstdint>
#include <vector>

#include "backends/engine/transport.h"

namespace hvd {

class Edges {
 public:
  Edges(Transport& transport, int rank_count)
      : transport_(transport),
        sent_(static_cast<std::size_t>(rank_count)),
        received_(static_cast<std::size_t>(rank_count)) {}

  Transport& transport() const { return transport_; }

  void commit(Rank peer, std::uint64_t byte_count, std::uint64_t work_id) {
    transport_.commit_send(
        peer, {.sequence = sent_[peer.index()]++, .byte_count = byte_count, .work_id = work_id});
  }
  std::uint64_t expected_sequence(Rank peer) const { return received_[peer.index()]; }
  void release(Rank peer) {
    ++received_[peer.index()];
    transport_.release(peer);
  }

 private:
  Transport& transport_;
  std::vector<std::uint64_t> sent_;
  std::vector<std::uint64_t> received_;
};

}  // namespace hvd
