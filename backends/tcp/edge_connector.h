// backends/tcp/edge_connector.h: makes one data connection from the connecting side, step by step.
// Not here: the accepting side (edge_door.h), what goes over it (edge_stream.h).
// Threads: the poller's.  Limits: kConnectAttempts where a connection was dropped on the way, and
// the patience that it is given for all of them.
// Read next: hello.h.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>

#include "backends/net/fd.h"
#include "backends/net/handshake.h"
#include "backends/net/poller.h"
#include "backends/net/secret.h"
#include "backends/net/socket.h"
#include "backends/tcp/hello.h"
#include "core/base/status.h"

namespace hvd {

inline constexpr int kConnectAttempts = 6;

// Connects, proves the secret and has it proven, says which edge it is and reads the answer; never
// blocks. Nothing of the peer is believed before its proof, and whatever it leaves out it leaves
// out for `patience_seconds` at most: HVD_HEARTBEAT_SECONDS, as a rank that beats answers its door.
class EdgeConnector {
 public:
  // Called once, from the poller; may destroy the connector.
  using Done = std::function<void(Result<Fd>)>;

  EdgeConnector(Poller& poller, Endpoint endpoint, const Secret& secret, const EdgeHello& hello,
                double patience_seconds, Done done);
  ~EdgeConnector();
  EdgeConnector(const EdgeConnector&) = delete;
  EdgeConnector& operator=(const EdgeConnector&) = delete;

  void for_each_fd(const std::function<void(int)>& visit) const;

 private:
  void attempt();
  void on_connected();
  void on_readable();
  Status read_step();
  Status send_step(std::span<const std::byte> bytes);
  void fail(const Status& why);
  void finish(Result<Fd> outcome);
  void close_socket();
  void give_up();

  Poller& poller_;
  const Endpoint endpoint_;
  const Secret secret_;
  const EdgeHello hello_;
  const double patience_seconds_;
  Done done_;
  int attempt_count_ = 0;
  Poller::TimerId timer_ = 0;     // of the next attempt, or of the outcome
  Poller::TimerId deadline_ = 0;  // of all attempts
  bool connected_ = false;
  std::string last_failure_;
  Fd socket_;
  std::optional<Handshake> handshake_;
  EdgeHelloBytes answer_{};
  std::size_t answer_bytes_ = 0;  // of it that came
};

}  // namespace hvd
