// core/ports/control_plane.h: small messages between a rank and the root, in order, never blocking.
// Not here: what they mean (stages/messages.h); sockets (backends/net).
// Threads: baton holder only.  Limits: kControlMessageBytesMax per message.
// Read next: data_plane.h.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "core/base/bytes.h"
#include "core/base/status.h"
#include "core/vocabulary/rank.h"

namespace hvd {

inline constexpr std::size_t kControlMessageBytesMax = std::size_t{16} << 20;

struct ControlEvent {
  enum class Kind { message, peer_lost };
  Kind kind = Kind::message;
  Rank from;
  Bytes message;       // kind message
  std::string reason;  // kind peer_lost: what the wire saw, e.g. "connection closed by peer"
};

// A star: every rank has an ordered channel to the root and the root has one to every rank. A
// rank's messages to itself are the caller's business.
class ControlPlane {
 public:
  ControlPlane() = default;
  virtual ~ControlPlane() = default;
  ControlPlane(const ControlPlane&) = delete;
  ControlPlane& operator=(const ControlPlane&) = delete;

  // Queues a message; it leaves during Idle::poll or sleep at the latest. A channel that is broken
  // swallows it: its peer_lost event is, or soon will be, among the events.
  virtual void send(Rank to, std::span<const std::byte> message) = 0;
  // The next event, oldest first; false if there is none now. A peer_lost event comes once, after
  // everything that the peer had sent.
  virtual bool receive(ControlEvent& event) = 0;
  // Between announcing a sleep (DataPlane::prepare_sleep) and sleeping: true if receive() has
  // something to do of which Idle would not wake by itself.
  virtual bool pending() const { return false; }
  // True once everything that was sent has been taken over by the kernel or the peer is lost.
  virtual bool flushed() const = 0;
};

}  // namespace hvd
