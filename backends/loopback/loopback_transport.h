// backends/loopback/loopback_transport.h: the rings of shared memory, in heap memory of one
// process. Not here: rings (../shm/ring.h), sleeping (loopback_idle.h). Threads: a transport its
// rank's baton holder; LoopbackMemory is constant.  Limits: none. Read next:
// ../shm/ring_transport.h, loopback_world.h.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backends/loopback/loopback_idle.h"
#include "backends/shm/ring_transport.h"

namespace hvd {

// One ring for every ordered pair of ranks and one sleep word a rank, zeroed.
class LoopbackMemory {
 public:
  LoopbackMemory(int rank_count, const RingGeometry& geometry);

  std::byte* ring(Rank from, Rank to) const;
  SleepWord* sleep_word(Rank rank) const;
  int rank_count() const { return rank_count_; }
  const RingGeometry& geometry() const { return geometry_; }

 private:
  struct Release {
    void operator()(std::byte* memory) const;
  };
  int rank_count_;
  RingGeometry geometry_;
  std::unique_ptr<std::byte, Release> memory_;
};

class LoopbackTransport final : public RingTransport {
 public:
  LoopbackTransport(const LoopbackMemory& memory, Rank rank, std::vector<LoopbackDoor*> doors);
  std::string description() const override;
  void for_each_fd(const std::function<void(int)>&) const override {}

 private:
  void ring_doorbell(Rank peer) override { doors_[peer.index()]->ring(); }
  std::string unreachable_text(Rank peer) const override;

  std::vector<LoopbackDoor*> doors_;  // by rank
};

}  // namespace hvd
