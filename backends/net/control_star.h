// backends/net/control_star.h: the control plane over sockets: every rank has one to the root.
// Not here: how the connections came to be (star_assembly.h, bootstrap/join.h).
// Threads: baton holder only.  Limits: kControlMessageBytesMax per message.
// Read next: core/ports/control_plane.h.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "backends/net/framing.h"
#include "backends/net/poller.h"
#include "core/base/bytes.h"
#include "core/base/clock.h"
#include "core/base/status.h"
#include "core/ports/control_plane.h"
#include "core/vocabulary/rank.h"

namespace hvd {

struct StarLink {
  Rank peer;
  std::unique_ptr<FramedConnection> connection;
};

class ControlStar final : public ControlPlane {
 public:
  // The root brings a link to every other rank, a leaf one to the root. `poller` outlives the star.
  static Result<std::unique_ptr<ControlStar>> create(Poller& poller, Rank self, int rank_count,
                                                     std::vector<StarLink> links);
  ~ControlStar() override;
  ControlStar(const ControlStar&) = delete;
  ControlStar& operator=(const ControlStar&) = delete;

  // Writes at once what the kernel takes; the rest leaves when the poller runs.
  void send(Rank to, std::span<const std::byte> message) override;
  bool receive(ControlEvent& event) override;
  bool flushed() const override { return unflushed_count_ == 0; }

  // For init, blocking, called by all ranks in the same order. gather: the root gets everybody's
  // part by rank, the others nothing. broadcast: everybody gets the root's. An error names the
  // ranks that are missing; the root passes it on, so that all learn the first cause.
  Result<std::vector<Bytes>> gather(Bytes mine, Time deadline);
  Result<Bytes> broadcast(Bytes from_root, Time deadline);
  // Between these, where init waits for something else: an error once that has become pointless,
  // because a rank was lost or the root has given up. The star's poller has to run meanwhile.
  Status set_up_alive() const;
  Poller& poller() { return poller_; }
  // The root fails in init: the others' broadcast ends with this cause. Nothing works afterwards.
  void give_up(const Status& cause);

  // The end of sending: what was sent is handed to the peers' kernels (so that closing loses none
  // of it), at most until the deadline. Does not wait for peers to read or to close.
  void close(Time deadline);

  void for_each_fd(const std::function<void(int)>& visit) const;

 private:
  struct Link {
    std::unique_ptr<FramedConnection> connection;
    bool watched = false;
    bool unflushed = false;
  };
  ControlStar(Poller& poller, Rank self, int rank_count);
  Status add(StarLink given);
  void on_ready(Rank peer, std::uint32_t epoll_events);
  void take_arrived(Rank peer, Link& link);
  void note_flush_state(Link& link);
  bool is_root() const { return self_ == kRoot; }
  // Takes the oldest message of each rank that lacks one; the ranks still missing, or who is lost.
  Result<std::vector<int>> collect(std::vector<Bytes>& parts, std::vector<bool>& there);
  Result<std::vector<Bytes>> gather_parts(Bytes mine, Time deadline);
  Status pass_until(Time deadline);
  Status missing_error(const std::vector<int>& missing, Time start) const;

  Poller& poller_;
  const Rank self_;
  std::vector<Link> links_;  // by rank; no connection where there is none
  std::deque<ControlEvent> events_;
  Bytes scratch_;
  int unflushed_count_ = 0;
  bool gave_up_ = false;
};

}  // namespace hvd
