// backends/shm/ring_transport.h: a Transport over rings; all that shm and loopback have in common.
// Not here: the memory and the doorbells (shm_transport.h, ../loopback/loopback_transport.h).
// Threads: baton holder only.  Limits: one ring in each direction and lane for each peer.
// Read next: ring.h.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "backends/shm/ring.h"

namespace hvd {

class RingTransport : public Transport {
 public:
  std::span<std::byte> begin_send(Rank peer, Lane lane) final;
  void commit_send(Rank peer, Lane lane, const ChunkHeader& header) final;
  std::optional<IncomingChunk> peek(Rank peer, Lane lane) final;
  void release(Rank peer, Lane lane) final;
  Status reaches(Rank peer) const final;
  Status health(Rank peer) const final;
  bool gone(Rank peer) const final {
    const std::optional<Neighbour>& neighbour = neighbours_[peer.index()];
    return neighbour.has_value() && !neighbour->lost.empty();
  }
  std::size_t chunk_bytes_max(Lane lane) const final { return geometry_[lane].slot_bytes; }
  int slot_count(Lane lane) const final { return geometry_[lane].slot_count; }
  const SlotMap* slot_map(Lane lane) const final {
    return slot_maps_[lane_index(lane)].members.empty() ? nullptr : &slot_maps_[lane_index(lane)];
  }
  const ArenaMap* arena_map() const final {
    return arena_map_.arenas.empty() ? nullptr : &arena_map_;
  }
  MemoryReader* memory_reader() final { return memory_reader_; }
  void notify(Rank peer) final { wake(peer); }
  void prepare_sleep() final;
  void end_sleep() final;

 protected:
  struct EdgeMemory {
    std::byte* outgoing = nullptr;
    std::byte* incoming = nullptr;
  };
  RingTransport(int rank_count, const LaneGeometries& geometry, SleepWord* own_sleep);
  void connect(Rank peer, const std::array<EdgeMemory, kLaneCount>& memory, SleepWord* peer_sleep);
  void share_slots(Lane lane, SlotMap map) { slot_maps_[lane_index(lane)] = std::move(map); }
  // The peer will publish and take nothing more. What it has published can still be taken.
  void lose(Rank peer, std::string reason);

  void share_arenas(ArenaMap map) { arena_map_ = std::move(map); }
  void share_memory(MemoryReader* reader) { memory_reader_ = reader; }  // outlives this

  virtual void ring_doorbell(Rank peer) = 0;
  virtual std::string unreachable_text(Rank peer) const = 0;

 private:
  struct Edge {
    RingWriter outgoing;
    RingReader incoming;
  };
  struct Neighbour {
    std::array<Edge, kLaneCount> edges;
    SleepWord* sleep;
    std::string lost;  // why nothing more will come; empty while the peer lives
  };
  Edge& edge(Rank peer, Lane lane);
  void wake(Rank peer);

  LaneGeometries geometry_;
  SleepWord* own_sleep_;
  std::array<SlotMap, kLaneCount> slot_maps_;
  ArenaMap arena_map_;
  MemoryReader* memory_reader_ = nullptr;
  // By rank; none to itself and to ranks out of reach.
  std::vector<std::optional<Neighbour>> neighbours_;
};

}  // namespace hvd
