// tests/backends/net/socket_pair.h: two connected TCP sockets on loopback, for tests.
// Not here: anything that authenticates.
// Threads: any.  Limits: none.
// Read next: backends/net/socket.h.
#pragma once

#include "backends/net/fd.h"
#include "backends/net/socket.h"
#include "core/base/clock.h"
#include "tests/catch.h"

namespace hvd {

inline constexpr Nanos kTestPatience = 20 * kSecond;  // far beyond what a busy machine needs

struct SocketPair {
  Fd left;
  Fd right;
};

inline SocketPair connected_pair() {
  const SteadyClock clock;
  const Time deadline = clock.now() + kTestPatience;
  const Fd listening = listen_tcp({.host = "127.0.0.1", .port = 0}).value();
  SocketPair pair;
  pair.left = connect_tcp(local_endpoint(listening.get()).value(), deadline, clock).value();
  REQUIRE(wait_for_fd(listening.get(), 1 /* POLLIN */, deadline, clock).ok());
  pair.right = accept_connection(listening.get()).value();
  REQUIRE(pair.right.open());
  return pair;
}

}  // namespace hvd
