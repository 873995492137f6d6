// backends/net/listener.h: accepts connections and admits those that prove the job's secret.
// Not here: what the admitted ones say.
// Threads: the poller's.  Limits: strangers_max connections under examination, each for `patience`.
// Read next: handshake.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>

#include "backends/net/fd.h"
#include "backends/net/handshake.h"
#include "backends/net/poller.h"
#include "backends/net/secret.h"
#include "backends/net/socket.h"
#include "core/base/clock.h"
#include "core/base/status.h"

namespace hvd {

struct ListenerOptions {
  Secret secret;
  std::string purpose;
  std::size_t strangers_max = 64;  // one more drops the one that has waited longest
  Nanos patience = 5 * kSecond;
};

class Listener {
 public:
  // Called from the poller with a socket whose handshake is done. It may destroy the Listener.
  using Admit = std::function<void(Fd socket)>;
  static Result<std::unique_ptr<Listener>> start(Poller& poller, Fd listening,
                                                 ListenerOptions options, Admit admit);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  std::size_t stranger_count() const { return strangers_.size(); }
  std::uint64_t refused_count() const { return refused_count_; }
  const std::string& last_refusal() const { return last_refusal_; }  // empty if there was none
  // Why connections could not be accepted, the last time; empty if all could.
  const std::string& shortage() const { return shortage_; }
  int fd() const { return listening_.get(); }
  void for_each_fd(const std::function<void(int)>& visit) const;

 private:
  struct Stranger {
    Fd socket;
    Handshake handshake;
    Poller::TimerId timer = 0;
  };
  using Place = std::list<Stranger>::iterator;  // oldest first

  Listener(Poller& poller, Fd listening, ListenerOptions options, Admit admit);
  Status watch_listening();
  void accept_waiting();
  void rest_after_shortage(const Status& shortage);
  void examine(Fd socket);
  void hear(Place stranger);
  void refuse(Place stranger, std::string reason);
  Fd release(Place stranger);

  Poller& poller_;
  Fd listening_;
  const ListenerOptions options_;
  Admit admit_;
  std::list<Stranger> strangers_;
  Poller::TimerId rest_timer_ = 0;
  std::uint64_t refused_count_ = 0;
  std::string last_refusal_;
  std::string shortage_;
};

}  // namespace hvd
