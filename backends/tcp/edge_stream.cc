#include "backends/tcp/edge_stream.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "backends/net/os_error.h"
#include "backends/net/socket.h"

namespace hvd {
namespace {

constexpr std::size_t kPartsPerWrite = 16;
// The kernel tells nobody when the last byte was confirmed.
constexpr Nanos kLookAgain = 200 * kMicrosecond;

}  // namespace

void EdgeStream::detach() {
  socket_.reset();
  sender_.drop_all();
}

void EdgeStream::release() {
  receiver_.release();
  sender_.set_consumed(receiver_.released());
}

bool EdgeStream::flush() {
  while (attached() && !sender_.empty()) {
    std::array<iovec, kPartsPerWrite> parts;  // NOLINT: filled below
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = sender_.fill_parts(parts);
    const ssize_t sent = ::sendmsg(fd(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) {
      continue;
    }
    if (sent < 0 && errno == EAGAIN) {
      return true;
    }
    if (sent < 0) {
      trouble_ = os_reason(errno);
      return false;
    }
    bytes_sent_ += static_cast<std::uint64_t>(sent);
    sender_.sent(static_cast<std::size_t>(sent));
  }
  return true;
}

bool EdgeStream::fill() {
  bool more = attached();
  while (more) {
    std::array<iovec, 2> parts = receiver_.room();
    const std::size_t wanted = parts[0].iov_len + parts[1].iov_len;
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    const ssize_t got = ::recvmsg(fd(), &message, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
      return true;
    }
    if (got <= 0) {
      trouble_ = got == 0 ? "connection closed by peer" : os_reason(errno);
      return false;
    }
    const auto count = static_cast<std::size_t>(got);
    bytes_received_ += count;
    const Status taken = receiver_.take(count, sender_.sent_count());
    if (!taken.ok()) {
      trouble_ = taken.message();
      peer_lies_ = true;
      return false;
    }
    sender_.take_credit(receiver_.credit());
    more = count == wanted;  // else the socket is empty, and asking again would only tell that
  }
  return true;
}

void EdgeStream::flush_until(Time deadline, const Clock& clock) {
  while (attached() && fill() && flush() && clock.now() < deadline) {
    if (unsent()) {
      (void)wait_for_fd(fd(), POLLIN | POLLOUT, deadline, clock);
    } else if (undelivered_bytes(fd()) > 0) {
      pause_for(std::min(kLookAgain, deadline - clock.now()));
    } else {
      return;
    }
  }
}

}  // namespace hvd
