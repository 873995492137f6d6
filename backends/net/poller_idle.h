// backends/net/poller_idle.h: core's Idle port over a Poller, with a doorbell that peers can ring.
// Not here: who may sleep where (core/stages/baton.h).
// Threads: as said in core/ports/idle.h.  Limits: none.
// Read next: core/ports/idle.h.
#pragma once

#include <functional>
#include <memory>

#include "backends/net/fd.h"
#include "backends/net/poller.h"
#include "core/base/status.h"
#include "core/ports/idle.h"

namespace hvd {

// The inner epoll is the Poller's: sockets, timers and the doorbell. The outer one holds the inner
// one and the parked thread's own bell; claim() masks the inner one in it, so that while a user's
// thread sleeps on the inner epoll one message wakes one thread.
class PollerIdle final : public Idle {
 public:
  static Result<std::unique_ptr<PollerIdle>> create(Poller& poller);
  ~PollerIdle() override;
  PollerIdle(const PollerIdle&) = delete;
  PollerIdle& operator=(const PollerIdle&) = delete;

  bool poll() override;
  bool sleep(Time until) override;
  void ring() override;
  void claim() override;
  void unclaim() override;
  void park(Time until) override;
  void nap(Time until) override;
  void ring_parked() override;

  // An eventfd; whoever writes 1 to it rings. Handed to peers of this host over a Unix socket.
  int doorbell_fd() const { return doorbell_.get(); }
  // Own descriptors (not the poller's), for the fork handler.
  void for_each_fd(const std::function<void(int)>& visit) const;

 private:
  PollerIdle(Poller& poller, Fd doorbell, Fd parked_bell, Fd outer);
  void mask_inner(bool masked);
  Nanos time_left(Time until) const;

  Poller& poller_;
  Fd doorbell_;
  Fd parked_bell_;
  Fd outer_;
};

}  // namespace hvd
