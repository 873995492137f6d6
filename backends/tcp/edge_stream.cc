#include "backends/tcp/edge_stream.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "backends/net/os_error.h"

namespace hvd {
namespace {

constexpr std::size_t kPartsPerWrite = 16;

iovec part_of(std::span<const std::byte> bytes) {
  return {.iov_base = const_cast<std::byte*>(bytes.data()), .iov_len = bytes.size()};
}

}  // namespace

void EdgeStream::detach() {
  socket_.reset();
  sender_.drop_all();
}

void EdgeStream::release() {
  receiver_.release();
  sender_.set_consumed(receiver_.released());
}

// What the kernel does not take now waits in the slot, so that the caller need not.
bool EdgeStream::send_from(const ChunkHeader& header,
                           std::span<const std::span<const std::byte>> pieces) {
  const std::span<std::byte> slot = sender_.begin();
  if (slot.empty() || pieces.size() >= kPartsPerWrite) {
    return false;
  }
  std::size_t gone = 0;
  const EdgeFrameBytes head = sender_.head_of(header);
  if (attached() && sender_.empty()) {
    std::array<iovec, kPartsPerWrite> parts;  // NOLINT: filled below
    parts[0] = part_of(head);
    std::transform(pieces.begin(), pieces.end(), parts.begin() + 1, part_of);
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = pieces.size() + 1;
    const ssize_t sent = ::sendmsg(fd(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    gone = static_cast<std::size_t>(std::max<ssize_t>(sent, 0));  // flush() tells a failure
  }
  std::size_t at = 0;
  std::size_t skip = gone - std::min(gone, head.size());
  for (const std::span<const std::byte> piece : pieces) {
    const std::size_t less = std::min(skip, piece.size());
    std::copy(piece.begin() + static_cast<std::ptrdiff_t>(less), piece.end(),
              slot.begin() + static_cast<std::ptrdiff_t>(at + less));
    skip -= less;
    at += piece.size();
  }
  sender_.commit(header);
  sender_.sent(gone);
  bytes_sent_ += gone;
  return true;
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
      peer_lies_ = taken.code() != StatusCode::resource;
      own_fault_ = peer_lies_ ? ok_status() : taken;
      return false;
    }
    sender_.take_credit(receiver_.credit());
    more = count == wanted;  // else the socket is empty, and asking again would only tell that
  }
  return true;
}

}  // namespace hvd
