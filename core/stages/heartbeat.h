// core/stages/heartbeat.h: who has to be heard of until when; a stopped peer is found this way.
// Sans-I/O. Not here: dead processes, whose connections close at once (coordinator.h).
// Threads: one at a time (the baton holder).  Limits: HVD_HEARTBEAT_SECONDS.
// Read next: coordinator.h.
#pragma once

#include <optional>
#include <vector>

#include "core/base/clock.h"
#include "core/vocabulary/rank.h"

namespace hvd {

class Heartbeat {
 public:
  // Listens to `peers` and sends to them: the root to all, the others to the root.
  Heartbeat(const std::vector<Rank>& peers, Nanos limit, Time now);

  void heard_of(Rank peer, Time now);
  // When it was last heard of; none if nobody listens to it.
  std::optional<Time> heard_at(Rank peer) const;
  void forget(Rank peer);  // it ended; its silence is normal

  Time next_timer() const;
  // True if a beat is due now; the caller sends it to all peers.
  bool beat_due(Time now);
  // The peer that has been silent for too long, if any. If this rank itself did not run for a while
  // (a stopped job, a suspended machine), everyone gets a fresh start.
  std::optional<Rank> silent_peer(Time now);
  Nanos limit() const { return limit_; }

 private:
  struct Peer {
    Rank rank;
    Time heard_at;
  };
  std::vector<Peer> peers_;
  const Nanos limit_;
  const Nanos interval_;
  Time next_beat_;
  Time last_look_;
};

}  // namespace hvd
