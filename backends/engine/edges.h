// backends/engine/edges.h: a lane of the transport, with the numbers of the chunks that crossed.
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
  Edges(Transport& transport, Lane lane, int rank_count)
      : transport_(transport),
        lane_(lane),
        sent_(static_cast<std::size_t>(rank_count)),
        received_(static_cast<std::size_t>(rank_count)) {}

  Transport& transport() const { return transport_; }
  Lane lane() const { return lane_; }
  std::span<std::byte> begin(Rank peer) { return transport_.begin_send(peer, lane_); }
  std::optional<IncomingChunk> peek(Rank peer) { return transport_.peek(peer, lane_); }

  void commit(Rank peer, std::uint64_t byte_count, std::uint64_t work_id) {
    transport_.commit_send(
        peer, lane_,
        {.sequence = sent_[peer.index()]++, .byte_count = byte_count, .work_id = work_id});
  }
  bool send_from(Rank peer, std::span<const std::span<const std::byte>> pieces,
                 std::uint64_t byte_count, std::uint64_t work_id) {
    const bool sent = transport_.send_from(
        peer, lane_,
        {.sequence = sent_[peer.index()], .byte_count = byte_count, .work_id = work_id}, pieces);
    sent_[peer.index()] += sent ? 1 : 0;
    return sent;
  }
  void offer(Rank peer, std::span<std::byte> memory) {
    transport_.offer(peer, lane_, received_[peer.index()], memory);
  }
  std::uint64_t expected_sequence(Rank peer) const { return received_[peer.index()]; }
  void release(Rank peer) {
    ++received_[peer.index()];
    transport_.release(peer, lane_);
  }

 private:
  Transport& transport_;
  const Lane lane_;
  std::vector<std::uint64_t> sent_;
  std::vector<std::uint64_t> received_;
};

}  // namespace hvd
