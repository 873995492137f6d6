// backends/loopback/loopback_control_plane.h: the control star among ranks of one process.
// Not here: what messages mean (core/stages); the star over sockets (backends/net).
// Threads: LoopbackStar any; a LoopbackControlPlane its rank's baton holder.  Limits: none.
// Read next: core/ports/control_plane.h, loopback_world.h.
#pragma once

#include <deque>
#include <span>
#include <string>
#include <vector>

#include "backends/loopback/loopback_idle.h"
#include "core/base/mutex.h"
#include "core/ports/control_plane.h"

namespace hvd {

class LoopbackStar {
 public:
  explicit LoopbackStar(std::vector<LoopbackDoor*> doors);

  void send(Rank from, Rank to, std::span<const std::byte> message) HVD_EXCLUDES(mutex_);
  bool receive(Rank at, ControlEvent& event) HVD_EXCLUDES(mutex_);
  // `rank` is gone: what it sends is swallowed, it receives nothing more, and whoever has a channel
  // to it learns `reason` after the messages that it had sent.
  void lose(Rank rank, const std::string& reason) HVD_EXCLUDES(mutex_);

 private:
  struct Seat {
    std::deque<ControlEvent> inbox;
    bool lost = false;
  };
  void deliver(Rank to, ControlEvent event) HVD_REQUIRES(mutex_);

  const std::vector<LoopbackDoor*> doors_;  // by rank
  Mutex mutex_;
  std::vector<Seat> seats_ HVD_GUARDED_BY(mutex_);
};

// Goes away as a closed connection does: the peers see it.
class LoopbackControlPlane final : public ControlPlane {
 public:
  LoopbackControlPlane(LoopbackStar& star, Rank rank) : star_(star), rank_(rank) {}
  ~LoopbackControlPlane() override { star_.lose(rank_, "connection closed by peer"); }
  LoopbackControlPlane(const LoopbackControlPlane&) = delete;
  LoopbackControlPlane& operator=(const LoopbackControlPlane&) = delete;

  void send(Rank to, std::span<const std::byte> message) override;
  bool receive(ControlEvent& event) override { return star_.receive(rank_, event); }
  bool flushed() const override { return true; }  // a message is at its peer when send() returns

 private:
  LoopbackStar& star_;
  Rank rank_;
};

}  // namespace hvd
