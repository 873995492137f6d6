// backends/loopback/loopback_world.h: N ranks as objects in one process, for tests and simulation.
// Not here: the runtimes that live in it; they get its parts by constructor.
// Threads: make_* and kill() any; each part as its port says.  Limits: outlives what it made.
// Read next: loopback_control_plane.h, loopback_idle.h, loopback_transport.h.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backends/loopback/loopback_control_plane.h"
#include "backends/loopback/loopback_idle.h"
#include "backends/loopback/loopback_transport.h"

namespace hvd {

class LoopbackWorld {
 public:
  // Small slots, so that tensors of a test take several chunks.
  static constexpr RingGeometry kGeometry{.slot_bytes = 4096, .slot_count = 4};

  LoopbackWorld(int rank_count, const Clock& clock, const RingGeometry& geometry = kGeometry);

  std::unique_ptr<LoopbackControlPlane> make_control_plane(Rank rank);  // once a rank
  std::unique_ptr<LoopbackIdle> make_idle(Rank rank);
  std::unique_ptr<LoopbackTransport> make_transport(Rank rank);
  // The rank's process dies: its channels break with `reason`, nobody rings for it any more. Its
  // objects stay valid for the test to destroy.
  void kill(Rank rank, const std::string& reason = "connection closed by peer");

  int rank_count() const { return memory_.rank_count(); }
  const LoopbackMemory& memory() const { return memory_; }  // for tests that damage it

 private:
  std::vector<std::unique_ptr<LoopbackDoor>> doors_;
  std::vector<LoopbackDoor*> door_pointers() const;
  LoopbackMemory memory_;
  LoopbackStar star_;
};

}  // namespace hvd
