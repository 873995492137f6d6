#include "backends/net/authenticate.h"

#include <sys/socket.h>

#include <array>

#include "core/base/thread.h"
#include "tests/backends/net/socket_pair.h"
#include "tests/catch.h"

namespace hvd {
namespace {

const SteadyClock kClock;
Time patience() { return kClock.now() + kTestPatience; }

}  // namespace

TEST_CASE("both ends of a socket authenticate and what follows stays in it", "[authenticate]") {
  const SocketPair pair = connected_pair();
  const Secret secret = Secret::random();
  Status connecting;
  Thread thread("connecting", [&] {
    connecting = authenticate(pair.left.get(), HandshakeSide::connecting, secret, "control",
                              patience(), kClock);
    (void)!::send(pair.left.get(), "next", 4, MSG_NOSIGNAL);
  });
  const Status accepting = authenticate(pair.right.get(), HandshakeSide::accepting, secret,
                                        "control", patience(), kClock);
  thread.join();
  REQUIRE(connecting.ok());
  REQUIRE(accepting.ok());
  std::array<char, 8> buffer{};
  REQUIRE(wait_for_fd(pair.right.get(), 1, patience(), kClock).ok());
  REQUIRE(::recv(pair.right.get(), buffer.data(), buffer.size(), 0) == 4);
}

TEST_CASE("a wrong secret fails at both ends", "[authenticate]") {
  SocketPair pair = connected_pair();
  Status connecting;
  Thread thread("connecting", [&] {
    connecting = authenticate(pair.left.get(), HandshakeSide::connecting, Secret::random(),
                              "control", patience(), kClock);
    pair.left.reset();
  });
  const Status accepting = authenticate(pair.right.get(), HandshakeSide::accepting,
                                        Secret::random(), "control", patience(), kClock);
  thread.join();
  REQUIRE(connecting.code() == StatusCode::permission_denied);
  REQUIRE(connecting.message().find("the secrets differ") != std::string::npos);
  REQUIRE_FALSE(accepting.ok());
}

TEST_CASE("silence ends at the deadline, a closed peer at once", "[authenticate]") {
  SocketPair pair = connected_pair();
  REQUIRE(authenticate(pair.right.get(), HandshakeSide::accepting, Secret::random(), "control",
                       kClock.now() + kMillisecond, kClock)
              .code() == StatusCode::deadline_exceeded);
  pair.left.reset();
  REQUIRE(authenticate(pair.right.get(), HandshakeSide::accepting, Secret::random(), "control",
                       patience(), kClock)
              .code() == StatusCode::aborted);
}

}  // namespace hvd
