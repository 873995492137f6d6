#include "backends/net/socket.h"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

#include "backends/net/os_error.h"

namespace hvd {
namespace {

constexpr int kSocketFlags = SOCK_NONBLOCK | SOCK_CLOEXEC;

// Of any family that TCP runs over.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t bytes = sizeof storage;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  sa_family_t family() const { return storage.ss_family; }
  in_port_t& port() {
    return family() == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(storage).sin6_port
                                : reinterpret_cast<sockaddr_in&>(storage).sin_port;
  }
};

// A name with addresses of both families means the IPv4 one, as it always did.
Result<SocketAddress> resolve(const Endpoint& endpoint) {
  const addrinfo wanted{.ai_flags = 0,
                        .ai_family = AF_UNSPEC,
                        .ai_socktype = SOCK_STREAM,
                        .ai_protocol = 0,
                        .ai_addrlen = 0,
                        .ai_addr = nullptr,
                        .ai_canonname = nullptr,
                        .ai_next = nullptr};
  addrinfo* found = nullptr;
  const int failure = ::getaddrinfo(endpoint.host.c_str(), nullptr, &wanted, &found);
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> guard(found, ::freeaddrinfo);
  const addrinfo* best = nullptr;
  for (const addrinfo* each = found; failure == 0 && each != nullptr; each = each->ai_next) {
    const bool better = best == nullptr || best->ai_family != AF_INET;
    if (each->ai_family == AF_INET ? better : each->ai_family == AF_INET6 && best == nullptr) {
      best = each;
    }
  }
  if (best == nullptr) {
    return error(StatusCode::invalid_argument, "address '", endpoint.host,
                 "' is neither an IPv4 or IPv6 address nor a name that resolves to one: ",
                 ::gai_strerror(failure));
  }
  SocketAddress address;
  address.bytes = best->ai_addrlen;
  std::memcpy(&address.storage, best->ai_addr, best->ai_addrlen);
  address.port() = htons(endpoint.port);
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
  SocketAddress own;
  SocketAddress peer;
  return ::getsockname(fd, own.get(), &own.bytes) == 0 &&
         ::getpeername(fd, peer.get(), &peer.bytes) == 0 && own.bytes == peer.bytes &&
         std::memcmp(&own.storage, &peer.storage, own.bytes) == 0;
}

StatusCode code_of_connect(int error_number) {
  return error_number == ECONNREFUSED ? StatusCode::not_found : StatusCode::resource;
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
      std::string_view host = text.substr(0, colon);
      if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
      }
      endpoint.host = std::string(host);
      return endpoint;
    }
  }
  return error(StatusCode::invalid_argument, "'", text, "' is no address with a port");
}

std::ostream& operator<<(std::ostream& out, const Endpoint& endpoint) {
  const bool bracketed = endpoint.host.find(':') != std::string::npos;
  return out << (bracketed ? "[" : "") << endpoint.host << (bracketed ? "]:" : ":")
             << endpoint.port;
}

bool is_loopback(const std::string& host) {
  const Result<SocketAddress> address = resolve({.host = host, .port = 0});
  if (!address.ok()) {
    return false;
  }
  if (address->family() == AF_INET6) {
    const in6_addr& ip = reinterpret_cast<const sockaddr_in6*>(address->get())->sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(&ip) || (IN6_IS_ADDR_V4MAPPED(&ip) && ip.s6_addr[12] == 127);
  }
  const in_addr ip = reinterpret_cast<const sockaddr_in*>(address->get())->sin_addr;
  return (ntohl(ip.s_addr) >> 24) == IN_LOOPBACKNET;
}

Result<Fd> listen_tcp(const Endpoint& endpoint) {
  HVD_ASSIGN(const SocketAddress address, resolve(endpoint));
  Fd fd(::socket(address.family(), SOCK_STREAM | kSocketFlags, 0));
  if (!fd.open()) {
    return os_error("making a socket", errno);
  }
  // A restarted job gets its fixed port back although old connections linger in TIME_WAIT.
  const int on = 1;
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd.get(), address.get(), address.bytes) != 0 || ::listen(fd.get(), SOMAXCONN) != 0) {
    return os_error(str("listening at ", endpoint), errno);
  }
  return fd;
}

Result<Fd> start_connect_tcp(const Endpoint& endpoint) {
  HVD_ASSIGN(const SocketAddress address, resolve(endpoint));
  Fd fd(::socket(address.family(), SOCK_STREAM | kSocketFlags, 0));
  if (!fd.open()) {
    return os_error("making a socket", errno);
  }
  send_at_once(fd.get());
  if (::connect(fd.get(), address.get(), address.bytes) != 0 && errno != EINPROGRESS &&
      errno != EINTR) {
    return os_error(code_of_connect(errno), str("connecting to ", endpoint), errno);
  }
  return fd;
}

Status connect_outcome(int fd, const Endpoint& endpoint) {
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

Result<Fd> connect_tcp(const Endpoint& endpoint, Time deadline, const Clock& clock) {
  HVD_ASSIGN(Fd fd, start_connect_tcp(endpoint));
  HVD_TRY(wait_for_fd(fd.get(), POLLOUT, deadline, clock), "connecting to ", endpoint);
  HVD_TRY(connect_outcome(fd.get(), endpoint));
  return fd;
}

Result<Endpoint> local_endpoint(int fd) {
  SocketAddress address;
  std::array<char, NI_MAXHOST> text{};
  if (::getsockname(fd, address.get(), &address.bytes) != 0) {
    return os_error("reading the address of a socket", errno);
  }
  const bool tcp = address.family() == AF_INET || address.family() == AF_INET6;
  if (!tcp || ::getnameinfo(address.get(), address.bytes, text.data(), text.size(), nullptr, 0,
                            NI_NUMERICHOST) != 0) {
    return error(StatusCode::invalid_argument, "a socket of this process has no TCP address");
  }
  return Endpoint{.host = text.data(), .port = ntohs(address.port())};
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

int undelivered_bytes(int fd) {
  const Result<Endpoint> own = local_endpoint(fd);
  const bool within_host = own.ok() && is_loopback(own->host);
  int count = 0;
  return ::ioctl(fd, within_host ? SIOCOUTQNSD : SIOCOUTQ, &count) == 0 ? count : 0;
}

void pause_for(Nanos duration) {
  const timespec limit{.tv_sec = static_cast<time_t>(duration / kSecond),
                       .tv_nsec = duration % kSecond};
  (void)::ppoll(nullptr, 0, &limit, nullptr);
}

}  // namespace hvd
