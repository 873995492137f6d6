// backends/shm/ring_transport.h: a Transport over rings; all that shm and loopback have in common.
// Not here: the memory and the doorbells (shm_transport.h, ../loopback/loopback_transport.h).
// Threads: baton holder only.  Limits: one ring in each direction for each peer that is reached.
// Read next: ring.h.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backends/shm/ring.h"

namespace hvd {

class RingTransport : public Transport {
 public:
  std::span<std::byte> begin_send(Rank peer) final;
  void commit_send(Rank peer, const ChunkHeader& header) final;
  std::optional<IncomingChunk> peek(Rank peer) final;
  void release(Rank peer) final;
  Status reaches(Rank peer) const final;
  Status health(Rank peer) const final;
  std::size_t chunk_bytes_max() const final { return geometry_.slot_bytes; }
  int slot_count() const final { return geometry_.slot_count; }
  void prepare_sleep() final;
  void end_sleep() final;

 protected:
  struct EdgeMemory {
    std::byte* outgoing = nullptr;
    std::byte* incoming = nullptr;
    SleepWord* peer_sleep = nullptr;
  };
  RingTransport(int rank_count, const RingGeometry& geometry, SleepWord* own_sleep);
  void connect(Rank peer, const EdgeMemory& memory);
  // The peer will publish and take nothing more. What it has published can still be taken.
  void lose(Rank peer, std::string reason);

  virtual void ring_doorbell(Rank peer) = 0;
  virtual std::string unreachable_text(Rank peer) const = 0;

 private:
  struct Edge {
    RingWriter outgoing;
    RingReader incoming;
    SleepWord* peer_sleep;
    std::string lost;  // why nothing more will come; empty while the peer lives
  };
  Edge& edge(Rank peer);
  void wake(Rank peer);

  RingGeometry geometry_;
  SleepWord* own_sleep_;
  std::vector<std::optional<Edge>> edges_;  // by rank; none to itself and to ranks out of reach
};

}  // namespace hvd
