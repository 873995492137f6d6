// backends/net/socket.h: making, connecting and waiting for sockets: TCP (IPv4, IPv6), Unix
// abstract. Not here: who may talk (handshake.h), what is said (framing.h). Threads: any.  Limits:
// kPassedFdCountMax descriptors in one message.  All sockets are non-blocking and close on exec.
// Read next: handshake.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backends/net/fd.h"
#include "core/base/clock.h"
#include "core/base/status.h"

namespace hvd {

struct Endpoint {
  std::string host;  // an address, or a name that resolves to one
  std::uint16_t port = 0;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};
// "10.0.0.1:4711", "[fd00::1]:4711"; parse_endpoint() takes both.
std::ostream& operator<<(std::ostream& out, const Endpoint& endpoint);
Result<Endpoint> parse_endpoint(std::string_view text);
// True only if every packet to it stays on this host (127.0.0.0/8, ::1, or a name of them).
bool is_loopback(const std::string& host);

// Port 0 lets the kernel choose one; local_endpoint() tells which.
Result<Fd> listen_tcp(const Endpoint& endpoint);
// Refused connections are StatusCode::not_found, so that a caller can try again later.
Result<Fd> connect_tcp(const Endpoint& endpoint, Time deadline, const Clock& clock);
// The same without waiting: the socket is writable once connect_outcome() knows.
Result<Fd> start_connect_tcp(const Endpoint& endpoint);
Status connect_outcome(int fd, const Endpoint& endpoint);
Result<Endpoint> local_endpoint(int fd);

// An Fd that is not open if nobody is waiting. A descriptor shortage is StatusCode::resource.
Result<Fd> accept_connection(int listening_fd);

enum class UnixKind { stream, seqpacket };
// Names live in the abstract namespace: nothing is in the file system, nothing is left behind.
std::string random_unix_name();
Result<Fd> listen_unix(const std::string& name, UnixKind kind);
Result<Fd> connect_unix(const std::string& name, UnixKind kind, Time deadline, const Clock& clock);

inline constexpr std::size_t kPassedFdCountMax = 16;
struct ReceivedFds {
  std::vector<Fd> fds;
  std::size_t payload_bytes = 0;
};
// One message over a Unix socket: a payload of 1 byte or more, and copies of descriptors.
Status send_fds(int socket, std::span<const int> fds, std::span<const std::byte> payload,
                Time deadline, const Clock& clock);
Result<ReceivedFds> recv_fds(int socket, std::span<std::byte> payload, Time deadline,
                             const Clock& clock);

// Blocks until one of poll(2)'s `events` (or an error) is there, else deadline_exceeded.
Status wait_for_fd(int fd, short events, Time deadline, const Clock& clock);
// Bytes that closing the socket could still lose. Within a host what was sent is in the peer's
// receive queue; its confirmation would take up to 40 ms (delayed acknowledgement), so it is not
// waited for. Between hosts what is not confirmed may have to be sent again.
int undelivered_bytes(int fd);
// Blocks for a duration; for the pause between two attempts to connect.
void pause_for(Nanos duration);

}  // namespace hvd
