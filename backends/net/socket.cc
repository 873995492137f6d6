#include "backends/net/socket.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <memory>

#include "backends/net/os_error.h"

namespace hvd {
namespace {

constexpr int kSocketFlags = SOCK_NONBLOCK | SOCK_CLOEXEC;

Result<sockaddr_in> resolve(const Endpoint& endpoint) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(endpoint.port);
  if (::inet_pton(AF_INET, endpoint.host.c_str(), &address.sin_addr) == 1) {
    return address;
  }
  const addrinfo wanted{.ai_flags = 0,
                        .ai_family = AF_INET,
                        .ai_socktype = SOCK_STREAM,
                        .ai_protocol = 0,
                        .ai_addrlen = 0,
                        .ai_addr = nullptr,
                        .ai_canonname = nullptr,
                        .ai_next = nullptr};
  addrinfo* found = nullptr;
  const int failure = ::getaddrinfo(endpoint.host.c_str(), nullptr, &wanted, &found);
  if (failure != 0 || found == nullptr) {
    return error(StatusCode::invalid_argument, "address '", endpoint.host,
                 "' is neither a dotted IPv4 address nor a name that resolves to one: ",
                 ::gai_strerror(failure));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> guard(found, ::freeaddrinfo);
  address.sin_addr = reinterpret_cast<const sockaddr_in*>(found->ai_addr)->sin_addr;
  return address;
}

// Without it a small answer waits up to 40 ms for the peer's delayed acknowledgement.
void send_at_once(int fd) {
  const int on = 1;
  (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

// connect() to a local port that nobody listens on can meet itself when the kernel picks that very
// port as the source; retrying makes it likely.
bool connected_to_itself(int fd) {
  sockaddr_in own{};
  sockaddr_in peer{};
  socklen_t own_bytes = sizeof own;
  socklen_t peer_bytes = sizeof peer;
  return ::getsockname(fd, reinterpret_cast<sockaddr*>(&own), &own_bytes) == 0 &&
         ::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &peer_bytes) == 0 &&
         own.sin_port == peer.sin_port && own.sin_addr.s_addr == peer.sin_addr.s_addr;
}

StatusCode code_of_connect(int error_number) {
  return error_number == ECONNREFUSED ? StatusCode::not_found : StatusCode::resource;
}

Status finish_connect(int fd, const Endpoint& endpoint, Time deadline, const Clock& clock) {
  HVD_TRY(wait_for_fd(fd, POLLOUT, deadline, clock), "connecting to ", endpoint);
  int failure = 0;
  socklen_t failure_bytes = sizeof failure;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &failure_bytes) != 0) {
    failure = errno;
  }
  if (failure != 0) {
    return os_error(code_of_connect(failure), str("connecting to ", endpoint), failure);
  }
  if (connected_to_itself(fd)) {
    return os_error(StatusCode::not_found, str("connecting to ", endpoint), ECONNREFUSED);
  }
  return ok_status();
}

}  // namespace

Result<Endpoint> parse_endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  Endpoint endpoint;
  if (colon != std::string_view::npos && colon > 0) {
    const std::string_view port = text.substr(colon + 1);
    const auto [end, failure] =
        std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
    if (failure == std::errc() && end == port.data() + port.size() && !port.empty()) {
      endpoint.host = std::string(text.substr(0, colon));
      return endpoint;
    }
  }
  return error(StatusCode::invalid_argument, "'", text, "' is no address with a port");
}

bool is_loopback(const std::string& host) {
  const Result<sockaddr_in> address = resolve({.host = host, .port = 0});
  return address.ok() && (ntohl(address->sin_addr.s_addr) >> 24) == IN_LOOPBACKNET;
}

Result<Fd> listen_tcp(const Endpoint& endpoint) {
  HVD_ASSIGN(const sockaddr_in address, resolve(endpoint));
  Fd fd(::socket(AF_INET, SOCK_STREAM | kSocketFlags, 0));
  if (!fd.open()) {
    return os_error("making a socket", errno);
  }
  // A restarted job gets its fixed port back although old connections linger in TIME_WAIT.
  const int on = 1;
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(fd.get(), SOMAXCONN) != 0) {
    return os_error(str("listening at ", endpoint), errno);
  }
  return fd;
}

Result<Fd> connect_tcp(const Endpoint& endpoint, Time deadline, const Clock& clock) {
  HVD_ASSIGN(const sockaddr_in address, resolve(endpoint));
  Fd fd(::socket(AF_INET, SOCK_STREAM | kSocketFlags, 0));
  if (!fd.open()) {
    return os_error("making a socket", errno);
  }
  send_at_once(fd.get());
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
      errno != EINPROGRESS && errno != EINTR) {
    return os_error(code_of_connect(errno), str("connecting to ", endpoint), errno);
  }
  HVD_TRY(finish_connect(fd.get(), endpoint, deadline, clock));
  return fd;
}

Result<Endpoint> local_endpoint(int fd) {
  sockaddr_in address{};
  socklen_t address_bytes = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &address_bytes) != 0) {
    return os_error("reading the address of a socket", errno);
  }
  char text[INET_ADDRSTRLEN] = {};
  ::inet_ntop(AF_INET, &address.sin_addr, text, sizeof text);
  return Endpoint{.host = text, .port = ntohs(address.sin_port)};
}

Result<Fd> accept_connection(int listening_fd) {
  const int fd = ::accept4(listening_fd, nullptr, nullptr, kSocketFlags);
  if (fd >= 0) {
    send_at_once(fd);  // no effect on a Unix socket
    return Fd(fd);
  }
  if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
    return os_error("accepting a connection", errno);
  }
  return Fd();  // nobody there, or gone again before we looked
}

Status wait_for_fd(int fd, short events, Time deadline, const Clock& clock) {
  for (;;) {
    const Nanos left = deadline == kNever ? 3600 * kSecond : deadline - clock.now();
    const Nanos wait = std::max<Nanos>(left, 0);
    const timespec limit{.tv_sec = static_cast<time_t>(wait / kSecond), .tv_nsec = wait % kSecond};
    pollfd entry{.fd = fd, .events = events, .revents = 0};
    const int ready = ::ppoll(&entry, 1, &limit, nullptr);
    if (ready > 0) {
      return ok_status();
    }
    if (ready < 0 && errno != EINTR) {
      return os_error(StatusCode::internal, "waiting for a socket", errno);
    }
    if (left <= 0) {
      return error(StatusCode::deadline_exceeded, "no answer in time");
    }
  }
}

void pause_for(Nanos duration) {
  const timespec limit{.tv_sec = static_cast<time_t>(duration / kSecond),
                       .tv_nsec = duration % kSecond};
  (void)::ppoll(nullptr, 0, &limit, nullptr);
}

}  // namespace hvd
