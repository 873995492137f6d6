// backends/tcp/edge_door.h: where other ranks' data connections come in and say which edge they
// are. Not here: the connecting side (edge_connector.h), the proof (../net/listener.h).
// Threads: the poller's.  Limits: kEdgeHelloPatience for the hello of a connection.
// Read next: hello.h.
#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <memory>

#include "backends/net/fd.h"
#include "backends/net/listener.h"
#include "backends/net/poller.h"
#include "backends/net/secret.h"
#include "backends/tcp/hello.h"
#include "core/base/clock.h"
#include "core/base/status.h"

namespace hvd {

inline constexpr Nanos kEdgeHelloPatience = 5 * kSecond;

class EdgeDoor {
 public:
  // Whether the edge of this hello may be opened; the answer is sent and Admit called if so.
  using Judge = std::function<Status(const EdgeHello&)>;
  using Admit = std::function<void(const EdgeHello&, Fd)>;
  static Result<std::unique_ptr<EdgeDoor>> open(Poller& poller, Fd listening, const Secret& secret,
                                                int rank_count, Judge judge, Admit admit);
  ~EdgeDoor();
  EdgeDoor(const EdgeDoor&) = delete;
  EdgeDoor& operator=(const EdgeDoor&) = delete;

  std::size_t guest_count() const { return guests_.size(); }
  const Listener& listener() const { return *listener_; }
  // Why the last connection that proved the secret was sent away; empty if none was.
  const std::string& last_refusal() const { return last_refusal_; }
  void for_each_fd(const std::function<void(int)>& visit) const;

 private:
  struct Guest {
    Fd socket;
    EdgeHelloBytes hello{};
    std::size_t hello_bytes = 0;  // of it that came
    Poller::TimerId timer = 0;
  };
  using Place = std::list<Guest>::iterator;
  EdgeDoor(Poller& poller, Judge judge, Admit admit);
  void greet(Fd socket);
  void hear(Place guest);
  Status take_hello(const Guest& guest, EdgeHello& hello);
  Fd release(Place guest);
  void refuse(Place guest, std::string why);

  Poller& poller_;
  const Judge judge_;
  const Admit admit_;
  std::unique_ptr<Listener> listener_;
  std::list<Guest> guests_;
  std::string last_refusal_;
};

}  // namespace hvd
