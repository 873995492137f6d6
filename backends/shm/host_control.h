// backends/shm/host_control.h: the control plane, with what goes between ranks of one host passed
// through their shared memory: 0.3 us instead of 5, and no system call while both are awake.
// Not here: the star over sockets (../net/control_star.h), which carries the rest and tells who
// died.  Threads: baton holder only.  Limits: as the star's.  Read next: byte_ring.h.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backends/engine/transport.h"
#include "backends/net/framing.h"
#include "backends/shm/byte_ring.h"
#include "core/base/bytes.h"
#include "core/ports/control_plane.h"
#include "core/vocabulary/rank.h"

namespace hvd {

class HostControl final : public ControlPlane {
 public:
  // Both ends of a channel make it in the same state of the star: nothing is under way in it that
  // they have not taken. `star` and `transport`, which wakes the peers, outlive it.
  HostControl(ControlPlane& star, Transport& transport, int rank_count,
              const std::vector<ControlChannel>& channels);

  void send(Rank to, std::span<const std::byte> message) override;
  bool receive(ControlEvent& event) override;
  bool flushed() const override { return unflushed_count_ == 0 && star_.flushed(); }
  bool pending() const override;

 private:
  struct Link {
    Link(Rank rank, ByteRingWriter writer, ByteRingReader reader)
        : peer(rank), outgoing(writer), incoming(reader), parser(kControlMessageBytesMax) {}
    Rank peer;
    ByteRingWriter outgoing;
    ByteRingReader incoming;
    FrameParser parser;
    Bytes queued = {};            // frames, or the rest of one, that found the ring full
    std::size_t queued_sent = 0;  // bytes of them that are gone
    bool lost = false;
  };
  Link* link_to(Rank peer);
  void flush(Link& link);
  void take_arrived(Link& link);
  bool take_message(ControlEvent& event);
  void lose(Link& link, std::string reason);
  void note_star_event(const ControlEvent& event);

  ControlPlane& star_;
  Transport& transport_;
  std::vector<Link> links_;
  std::vector<int> link_of_rank_;    // index into links_; -1: by the star
  std::size_t next_link_ = 0;        // where the next look for a message begins
  std::deque<ControlEvent> events_;  // the star's, and peers that were lost
  Bytes scratch_;
  int unflushed_count_ = 0;
};

}  // namespace hvd
