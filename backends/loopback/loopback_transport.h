// backends/loopback/loopback_transport.h: the rings of shared memory, in heap memory of one
// process. Not here: rings (../shm/ring.h), sleeping (loopback_idle.h). Threads: a transport its
// rank's baton holder; LoopbackMemory is constant.  Limits: none. Read next:
// ../shm/ring_transport.h, loopback_world.h.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backends/loopback/loopback_idle.h"
#include "backends/shm/domain_layout.h"
#include "backends/shm/process_memory.h"
#include "backends/shm/ring_transport.h"

namespace hvd {

// A segment for every rank, laid out as those of shared memory, zeroed.
class LoopbackMemory {
 public:
  // `geometry` is that of the bulk lane; slots that all ranks see are as many bytes as a ring has.
  LoopbackMemory(int rank_count, const RingGeometry& geometry);

  std::byte* ring(Rank from, Rank to, Lane lane) const;
  SlotMap slot_map(Lane lane) const;
  SleepWord* sleep_word(Rank rank) const;
  int rank_count() const { return layout_.local_size; }
  const LaneGeometries& geometry() const { return layout_.geometry; }

 private:
  struct Release {
    void operator()(std::byte* memory) const;
  };
  std::byte* segment(Rank rank) const;
  DomainLayout layout_;
  std::unique_ptr<std::byte, Release> memory_;
};

class LoopbackTransport final : public RingTransport {
 public:
  LoopbackTransport(const LoopbackMemory& memory, Rank rank, std::vector<LoopbackDoor*> doors);
  // Memory of each rank that all reach, as an arena of shared memory is.
  using RingTransport::share_arenas;
  // In place of its own reader, which reads this process as it would read another one.
  using RingTransport::share_memory;
  std::string description() const override;
  void for_each_fd(const std::function<void(int)>&) const override {}

 private:
  void ring_doorbell(Rank peer) override { doors_[peer.index()]->ring(); }
  std::string unreachable_text(Rank peer) const override;

  std::vector<LoopbackDoor*> doors_;  // by rank
  ProcessMemory own_memory_;
};

}  // namespace hvd
