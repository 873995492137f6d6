#include "backends/net/authenticate.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "backends/net/os_error.h"

namespace hvd {
namespace {

Status send_all(int socket, std::span<const std::byte> bytes, Time deadline, const Clock& clock) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      HVD_TRY(wait_for_fd(socket, POLLOUT, deadline, clock));
    } else if (errno != EINTR) {
      return os_error(StatusCode::aborted, "sending", errno);
    }
  }
  return ok_status();
}

Status receive_some(int socket, Handshake& handshake, Time deadline, const Clock& clock) {
  std::array<std::byte, kChallengeBytes> buffer;  // NOLINT: filled by the kernel
  const std::size_t wanted = std::min(buffer.size(), handshake.wanted_bytes());
  for (;;) {
    const ssize_t got = ::recv(socket, buffer.data(), wanted, MSG_DONTWAIT);
    if (got > 0) {
      handshake.receive(std::span(buffer).first(static_cast<std::size_t>(got)));
      return ok_status();
    }
    if (got == 0) {
      return error(StatusCode::aborted, "connection closed by peer");
    }
    if (errno == EAGAIN) {
      HVD_TRY(wait_for_fd(socket, POLLIN, deadline, clock));
    } else if (errno != EINTR) {
      return os_error(StatusCode::aborted, "receiving", errno);
    }
  }
}

}  // namespace

Status authenticate(int socket, HandshakeSide side, const Secret& secret, std::string_view purpose,
                    Time deadline, const Clock& clock) {
  Handshake handshake(side, secret, purpose);
  for (;;) {
    HVD_TRY(send_all(socket, handshake.take_output(), deadline, clock), "handshake");
    if (handshake.done()) {
      return ok_status();
    }
    HVD_TRY(receive_some(socket, handshake, deadline, clock), "handshake");
    HVD_TRY(handshake.failure());
  }
}

Result<Fd> connect_authenticated(const Endpoint& endpoint, const Secret& secret,
                                 std::string_view purpose, Time deadline, const Clock& clock) {
  HVD_ASSIGN(Fd socket, connect_tcp(endpoint, deadline, clock));
  HVD_TRY(authenticate(socket.get(), HandshakeSide::connecting, secret, purpose, deadline, clock),
          "connecting to ", endpoint);
  return socket;
}

}  // namespace hvd
