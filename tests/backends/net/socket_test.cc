#include "backends/net/socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>

#include "tests/backends/net/socket_pair.h"
#include "tests/catch.h"

namespace hvd {
namespace {

const SteadyClock kClock;
Time patience() { return kClock.now() + kTestPatience; }

void require_closed_on_exec(const Fd& fd) {
  REQUIRE((::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC) != 0);
  REQUIRE((::fcntl(fd.get(), F_GETFL) & O_NONBLOCK) != 0);
}

SocketPair unix_pair(UnixKind kind) {
  const std::string name = random_unix_name();
  const Fd listening = listen_unix(name, kind).value();
  require_closed_on_exec(listening);
  SocketPair pair;
  pair.left = connect_unix(name, kind, patience(), kClock).value();
  pair.right = accept_connection(listening.get()).value();
  REQUIRE(pair.right.open());
  return pair;
}

}  // namespace

TEST_CASE("connected sockets do not delay small messages, block, or survive exec", "[socket]") {
  const SocketPair pair = connected_pair();
  for (const Fd* fd : {&pair.left, &pair.right}) {
    require_closed_on_exec(*fd);
    int on = 0;
    socklen_t on_bytes = sizeof on;
    REQUIRE(::getsockopt(fd->get(), IPPROTO_TCP, TCP_NODELAY, &on, &on_bytes) == 0);
    REQUIRE(on == 1);
  }
}

TEST_CASE("a port where nobody listens is not_found at once", "[socket]") {
  Fd listening = listen_tcp({.host = "127.0.0.1", .port = 0}).value();
  const Endpoint gone = local_endpoint(listening.get()).value();
  listening.reset();
  const Result<Fd> refused = connect_tcp(gone, patience(), kClock);
  REQUIRE(refused.status().code() == StatusCode::not_found);
  REQUIRE(refused.status().message().find(str(gone)) != std::string::npos);
  REQUIRE(connect_unix(random_unix_name(), UnixKind::stream, patience(), kClock).status().code() ==
          StatusCode::not_found);
}

TEST_CASE("a fixed port can be taken again right after its connections closed", "[socket]") {
  Fd listening = listen_tcp({.host = "127.0.0.1", .port = 0}).value();
  const Endpoint place = local_endpoint(listening.get()).value();
  Fd client = connect_tcp(place, patience(), kClock).value();
  Fd accepted = accept_connection(listening.get()).value();
  accepted.reset();  // closes first, so this end lingers in TIME_WAIT
  client.reset();
  listening.reset();
  REQUIRE(listen_tcp(place).ok());
}

TEST_CASE("nobody waiting is no error", "[socket]") {
  const Fd listening = listen_tcp({.host = "127.0.0.1", .port = 0}).value();
  const Result<Fd> nobody = accept_connection(listening.get());
  REQUIRE(nobody.ok());
  REQUIRE_FALSE(nobody->open());
}

TEST_CASE("waiting for a silent socket ends at the deadline and not before", "[socket]") {
  const SocketPair pair = connected_pair();
  const Time deadline = kClock.now() + kMillisecond;
  const Status status = wait_for_fd(pair.left.get(), POLLIN, deadline, kClock);
  REQUIRE(status.code() == StatusCode::deadline_exceeded);
  REQUIRE(kClock.now() >= deadline);
}

TEST_CASE("endpoints read back as they are written and bad ones are refused", "[socket]") {
  const Endpoint endpoint{.host = "10.0.0.1", .port = 4711};
  REQUIRE(*parse_endpoint(str(endpoint)) == endpoint);
  for (const char* bad : {"", "10.0.0.1", "10.0.0.1:", ":80", "a:70000", "a:8x", "a:-1"}) {
    REQUIRE(parse_endpoint(bad).status().code() == StatusCode::invalid_argument);
  }
}

TEST_CASE("only addresses that stay on this host count as loopback", "[socket]") {
  REQUIRE(is_loopback("127.0.0.1"));
  REQUIRE(is_loopback("127.200.0.9"));
  REQUIRE(is_loopback("localhost"));
  REQUIRE_FALSE(is_loopback("0.0.0.0"));
  REQUIRE_FALSE(is_loopback("128.0.0.1"));
  REQUIRE_FALSE(is_loopback(""));
}

TEST_CASE("descriptors arrive with their payload, work, and close on exec", "[socket]") {
  for (const UnixKind kind : {UnixKind::stream, UnixKind::seqpacket}) {
    const SocketPair pair = unix_pair(kind);
    const Fd event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    const std::array<int, 2> fds = {event.get(), event.get()};
    const std::array<std::byte, 3> payload = {std::byte{1}, std::byte{2}, std::byte{3}};
    REQUIRE(send_fds(pair.left.get(), fds, payload, patience(), kClock).ok());
    std::array<std::byte, 16> buffer{};
    Result<ReceivedFds> received = recv_fds(pair.right.get(), buffer, patience(), kClock);
    REQUIRE(received.ok());
    REQUIRE(received->payload_bytes == 3);
    REQUIRE(buffer[2] == std::byte{3});
    REQUIRE(received->fds.size() == 2);
    const std::uint64_t one = 1;
    REQUIRE(::write(received->fds[1].get(), &one, sizeof one) == sizeof one);
    std::uint64_t seen = 0;
    REQUIRE(::read(event.get(), &seen, sizeof seen) == sizeof seen);
    REQUIRE((::fcntl(received->fds[0].get(), F_GETFD) & FD_CLOEXEC) != 0);
  }
}

TEST_CASE("waiting for descriptors ends with the peer and with the deadline", "[socket]") {
  SocketPair pair = unix_pair(UnixKind::seqpacket);
  std::array<std::byte, 16> buffer{};
  REQUIRE(recv_fds(pair.right.get(), buffer, kClock.now(), kClock).status().code() ==
          StatusCode::deadline_exceeded);
  pair.left.reset();
  REQUIRE(recv_fds(pair.right.get(), buffer, patience(), kClock).status().code() ==
          StatusCode::aborted);
}

TEST_CASE("a full queue of a unix socket is an error at the deadline and not a hang", "[socket]") {
  const std::string name = random_unix_name();
  const Fd listening = listen_unix(name, UnixKind::stream).value();
  REQUIRE(::listen(listening.get(), 1) == 0);
  std::vector<Fd> waiting;
  Status last;
  while (last.ok() && waiting.size() < 100) {
    Result<Fd> fd = connect_unix(name, UnixKind::stream, kClock.now(), kClock);
    last = fd.status();
    if (fd.ok()) {
      waiting.push_back(std::move(*fd));
    }
  }
  REQUIRE(last.code() == StatusCode::deadline_exceeded);
}

}  // namespace hvd
