// backends/bootstrap/rendezvous.h: where rank 0 says at which address it listens, and others ask.
// Not here: joining the job once the address is known (join.h).
// Threads: the server the poller's, a client any one.  Limits: see RendezvousServer.
// Read next: join.h.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>

#include "backends/net/framing.h"
#include "backends/net/listener.h"
#include "backends/net/poller.h"
#include "backends/net/secret.h"
#include "backends/net/socket.h"
#include "core/base/clock.h"
#include "core/base/status.h"

namespace hvd {

// One per job, inside hvdrun. An address belongs to a generation: how many times the ranks have
// joined a job before. So init after shutdown finds the new root and never the old one. A lookup
// is answered when the address is known. Bounded: strangers by the Listener, clients (the oldest
// goes), generations kept.
class RendezvousServer {
 public:
  static Result<std::unique_ptr<RendezvousServer>> start(Poller& poller, const Endpoint& at,
                                                         const Secret& secret, int rank_count);
  ~RendezvousServer();
  RendezvousServer(const RendezvousServer&) = delete;
  RendezvousServer& operator=(const RendezvousServer&) = delete;

  const Endpoint& endpoint() const { return endpoint_; }
  std::size_t client_count() const { return clients_.size(); }
  const Listener& listener() const { return *listener_; }
  void for_each_fd(const std::function<void(int)>& visit) const;

 private:
  struct Client {
    FramedConnection connection;
    std::optional<std::uint64_t> awaited;  // generation that it wants to know
  };
  using Place = std::list<Client>::iterator;  // oldest first
  RendezvousServer(Poller& poller, int rank_count);
  void admit(Fd socket);
  void hear(Place client);
  bool serve(Client& client, const Bytes& bytes);
  void publish(std::uint64_t generation, const Endpoint& root);
  void remove(Place client);

  Poller& poller_;
  const std::size_t client_count_max_;
  Endpoint endpoint_;
  std::unique_ptr<Listener> listener_;
  std::list<Client> clients_;
  std::map<std::uint64_t, Endpoint> roots_;  // by generation
};

// Blocking, for init time.
class RendezvousClient {
 public:
  static Result<RendezvousClient> connect(const Endpoint& server, const Secret& secret,
                                          Time deadline, const Clock& clock);
  Status publish(std::uint64_t generation, const Endpoint& root, Time deadline);
  Result<Endpoint> lookup(std::uint64_t generation, Time deadline);
  // The address of this host on the way to the server; others reach this rank there too.
  Result<std::string> local_host() const;

 private:
  RendezvousClient(std::unique_ptr<FramedConnection> connection, const Clock& clock)
      : connection_(std::move(connection)), clock_(&clock) {}
  Result<Endpoint> ask(const Bytes& request, std::uint64_t generation, Time deadline);
  std::unique_ptr<FramedConnection> connection_;
  const Clock* clock_;
};

}  // namespace hvd
