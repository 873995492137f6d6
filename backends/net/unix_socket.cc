#include <poll.h>
#include <sodium.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

#include "backends/net/os_error.h"
#include "backends/net/socket.h"
#include "core/base/check.h"

namespace hvd {
namespace {

constexpr int kSocketFlags = SOCK_NONBLOCK | SOCK_CLOEXEC;

int type_of(UnixKind kind) { return kind == UnixKind::stream ? SOCK_STREAM : SOCK_SEQPACKET; }

struct UnixAddress {
  sockaddr_un address{};
  socklen_t bytes = 0;
};

Result<UnixAddress> abstract_address(const std::string& name) {
  UnixAddress result;
  // sun_path[0] stays 0: the abstract namespace
  if (name.empty() || name.size() > sizeof result.address.sun_path - 1) {
    return error(StatusCode::invalid_argument, "unix socket name of ", name.size(),
                 " bytes; allowed is 1 to ", sizeof result.address.sun_path - 1);
  }
  result.address.sun_family = AF_UNIX;
  std::memcpy(result.address.sun_path + 1, name.data(), name.size());
  result.bytes = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  return result;
}

using ControlBuffer = std::array<std::byte, CMSG_SPACE(kPassedFdCountMax * sizeof(int))>;

std::vector<Fd> take_fds(msghdr& message) {
  std::vector<Fd> fds;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) {
      continue;
    }
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
      fds.emplace_back(fd);
    }
  }
  return fds;
}

}  // namespace

std::string random_unix_name() {
  HVD_CHECK(::sodium_init() >= 0);
  std::array<unsigned char, 16> noise{};
  ::randombytes_buf(noise.data(), noise.size());
  std::array<char, 33> hex{};
  ::sodium_bin2hex(hex.data(), hex.size(), noise.data(), noise.size());
  return str("hvd-", hex.data());
}

Result<Fd> listen_unix(const std::string& name, UnixKind kind) {
  HVD_ASSIGN(const UnixAddress to, abstract_address(name));
  Fd fd(::socket(AF_UNIX, type_of(kind) | kSocketFlags, 0));
  if (!fd.open()) {
    return os_error("making a unix socket", errno);
  }
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&to.address), to.bytes) != 0 ||
      ::listen(fd.get(), SOMAXCONN) != 0) {
    return os_error(str("listening at unix socket ", name), errno);
  }
  return fd;
}

Result<Fd> connect_unix(const std::string& name, UnixKind kind, Time deadline, const Clock& clock) {
  HVD_ASSIGN(const UnixAddress to, abstract_address(name));
  Fd fd(::socket(AF_UNIX, type_of(kind) | kSocketFlags, 0));
  if (!fd.open()) {
    return os_error("making a unix socket", errno);
  }
  // A Unix connect is done at once or says EAGAIN when the listener's queue is full; the kernel
  // offers nothing to wait on for that.
  while (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to.address), to.bytes) != 0) {
    if (errno != EAGAIN && errno != EINTR) {
      const StatusCode code = errno == ECONNREFUSED ? StatusCode::not_found : StatusCode::resource;
      return os_error(code, str("connecting to unix socket ", name), errno);
    }
    if (clock.now() >= deadline) {
      return error(StatusCode::deadline_exceeded, "connecting to unix socket ", name,
                   ": its queue of waiting connections stayed full");
    }
    pause_for(kMillisecond);
  }
  return fd;
}

Status send_fds(int socket, std::span<const int> fds, std::span<const std::byte> payload,
                Time deadline, const Clock& clock) {
  HVD_CHECK(fds.size() <= kPassedFdCountMax && !payload.empty());
  alignas(cmsghdr) ControlBuffer control{};
  iovec part{.iov_base = const_cast<std::byte*>(payload.data()), .iov_len = payload.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!fds.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(fds.size_bytes());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(header), fds.data(), fds.size_bytes());
  }
  for (;;) {
    const ssize_t sent = ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      return static_cast<std::size_t>(sent) == payload.size()
                 ? ok_status()
                 : error(StatusCode::resource, "passing descriptors: the payload was cut");
    }
    if (errno == EAGAIN) {
      HVD_TRY(wait_for_fd(socket, POLLOUT, deadline, clock), "passing descriptors");
    } else if (errno != EINTR) {
      return os_error("passing descriptors", errno);
    }
  }
}

Result<ReceivedFds> recv_fds(int socket, std::span<std::byte> payload, Time deadline,
                             const Clock& clock) {
  alignas(cmsghdr) ControlBuffer control{};
  iovec part{.iov_base = payload.data(), .iov_len = payload.size()};
  for (;;) {
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (got > 0) {
      ReceivedFds received{.fds = take_fds(message),
                           .payload_bytes = static_cast<std::size_t>(got)};
      if ((message.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) != 0) {
        return error(StatusCode::resource,
                     "receiving descriptors: the message was cut; more came than fit, or ",
                     os_reason(EMFILE));
      }
      return received;
    }
    if (got == 0) {
      return error(StatusCode::aborted, "receiving descriptors: connection closed by peer");
    }
    if (errno == EAGAIN) {
      HVD_TRY(wait_for_fd(socket, POLLIN, deadline, clock), "receiving descriptors");
    } else if (errno != EINTR) {
      return os_error("receiving descriptors", errno);
    }
  }
}

}  // namespace hvd
