#include "backends/net/framing.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "backends/net/os_error.h"
#include "backends/net/socket.h"
#include "core/base/check.h"

namespace hvd {
namespace {

constexpr std::size_t kPartsPerWrite = 16;
constexpr std::size_t kBlockingReadBytes = 4096;
constexpr std::size_t kSpareBytesMax = std::size_t{64} << 10;

iovec part_of(std::span<const std::byte> bytes) {
  return {.iov_base = const_cast<std::byte*>(bytes.data()), .iov_len = bytes.size()};
}

// sendmsg instead of writev: a broken connection must not raise SIGPIPE.
ssize_t send_parts(int fd, iovec* parts, std::size_t count) {
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = count;
  ssize_t sent = 0;
  do {
    sent = ::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (sent < 0 && errno == EINTR);
  return sent;
}

}  // namespace

std::array<std::byte, kFrameHeaderBytes> frame_header(std::size_t message_bytes) {
  HVD_CHECK(message_bytes <= UINT32_MAX);
  std::array<std::byte, kFrameHeaderBytes> header{std::byte{'h'}, std::byte{'v'},
                                                  std::byte{kFrameVersion}, std::byte{0}};
  const auto size = static_cast<std::uint32_t>(message_bytes);
  std::memcpy(header.data() + 4, &size, sizeof size);
  return header;
}

Status FrameParser::take_header() {
  std::uint32_t size = 0;
  std::memcpy(&size, header_.data() + 4, sizeof size);
  const auto expected = frame_header(size);
  if (!std::equal(header_.begin(), header_.begin() + 2, expected.begin())) {
    return error(StatusCode::invalid_argument, "the peer sent something that is no frame of hvd");
  }
  if (header_[2] != expected[2] || header_[3] != expected[3]) {
    return error(StatusCode::unsupported, "the peer sent a frame of version ",
                 static_cast<int>(header_[2]), "; this side knows version ",
                 static_cast<int>(kFrameVersion));
  }
  if (size > message_bytes_max_) {
    return error(StatusCode::invalid_argument, "the peer announced a message of ", size,
                 " bytes; the limit is ", message_bytes_max_);
  }
  message_bytes_ = size;
  return ok_status();
}

Status FrameParser::feed(std::span<const std::byte> bytes) {
  while (failure_.ok() && !bytes.empty()) {
    if (header_bytes_ < kFrameHeaderBytes) {
      const std::size_t count = std::min(bytes.size(), kFrameHeaderBytes - header_bytes_);
      std::copy_n(bytes.begin(), count,
                  header_.begin() + static_cast<std::ptrdiff_t>(header_bytes_));
      header_bytes_ += count;
      bytes = bytes.subspan(count);
      if (header_bytes_ < kFrameHeaderBytes) {
        break;
      }
      failure_ = take_header();
      if (!failure_.ok()) {
        break;
      }
    }
    const std::size_t count = std::min(bytes.size(), message_bytes_ - message_.size());
    message_.insert(message_.end(), bytes.begin(),
                    bytes.begin() + static_cast<std::ptrdiff_t>(count));
    bytes = bytes.subspan(count);
    if (message_.size() == message_bytes_) {
      whole_.push(std::exchange(message_, std::exchange(spare_, {})));
      header_bytes_ = 0;
      message_bytes_ = 0;
    }
  }
  return failure_;
}

bool FrameParser::take(Bytes& message) {
  if (whole_.empty()) {
    return false;
  }
  spare_ = std::exchange(message, whole_.pop());
  spare_.clear();
  if (spare_.capacity() > kSpareBytesMax) {
    spare_.shrink_to_fit();
  }
  return true;
}

void FramedConnection::send(std::span<const std::byte> message) {
  HVD_CHECK(message.size() <= bytes_max_);  // pair: FrameParser::take_header
  if (write_broken_ || finish_when_flushed_ || ended_) {
    return;
  }
  const auto header = frame_header(message.size());
  std::size_t sent_bytes = 0;
  if (queued_.empty()) {
    std::array<iovec, 2> parts = {part_of(header), part_of(message)};
    const ssize_t sent = send_parts(socket_.get(), parts.data(), parts.size());
    if (sent < 0 && errno != EAGAIN) {
      stop_writing(errno);
      return;
    }
    sent_bytes = static_cast<std::size_t>(std::max<ssize_t>(sent, 0));
    if (sent_bytes == header.size() + message.size()) {
      return;
    }
    queued_front_sent_ = sent_bytes;
  }
  Bytes frame(header.begin(), header.end());
  frame.insert(frame.end(), message.begin(), message.end());
  queued_.push_back(std::move(frame));
}

void FramedConnection::flush() {
  while (!queued_.empty()) {
    std::array<iovec, kPartsPerWrite> parts;  // NOLINT: filled below
    const std::size_t count = std::min(parts.size(), queued_.size());
    for (std::size_t i = 0; i < count; ++i) {
      parts[i] = part_of(std::span(queued_[i]).subspan(i == 0 ? queued_front_sent_ : 0));
    }
    const ssize_t sent = send_parts(socket_.get(), parts.data(), count);
    if (sent < 0) {
      if (errno != EAGAIN) {
        stop_writing(errno);
      }
      return;
    }
    queued_front_sent_ += static_cast<std::size_t>(sent);
    while (!queued_.empty() && queued_front_sent_ >= queued_.front().size()) {
      queued_front_sent_ -= queued_.front().size();
      queued_.pop_front();
    }
  }
  if (finish_when_flushed_) {
    (void)::shutdown(socket_.get(), SHUT_WR);  // fails only if the peer is gone already
  }
}

void FramedConnection::finish_sending() {
  finish_when_flushed_ = true;
  flush();
}

void FramedConnection::stop_writing(int error_number) {
  write_broken_ = true;
  write_failure_ = os_reason(error_number);
  queued_.clear();
  queued_front_sent_ = 0;
}

void FramedConnection::end(std::string reason) {
  ended_ = true;
  end_reason_ = std::move(reason);
  queued_.clear();
  queued_front_sent_ = 0;
}

void FramedConnection::read_some(std::span<std::byte> buffer) {
  if (ended_) {
    return;
  }
  const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got > 0) {
    const Status status = parser_.feed(buffer.first(static_cast<std::size_t>(got)));
    if (!status.ok()) {
      end(status.message());
    }
  } else if (got == 0) {
    // A failed send has taken the socket's error away; what is left looks like an orderly end.
    end(write_broken_            ? write_failure_
        : parser_.inside_frame() ? "connection closed by peer in the middle of a message"
                                 : "connection closed by peer");
  } else if (errno != EAGAIN && errno != EINTR) {
    end(os_reason(errno));
  }
}

Result<Bytes> FramedConnection::receive_until(Time deadline, const Clock& clock) {
  std::array<std::byte, kBlockingReadBytes> buffer;  // NOLINT: filled by the kernel
  for (;;) {
    Bytes message;
    if (take(message)) {
      return message;
    }
    if (ended_) {
      return error(StatusCode::aborted, end_reason_);
    }
    HVD_TRY(wait_for_fd(socket_.get(), POLLIN, deadline, clock));
    read_some(buffer);
  }
}

Status FramedConnection::flush_until(Time deadline, const Clock& clock) {
  for (;;) {
    flush();
    if (write_broken_) {
      return error(StatusCode::aborted, write_failure_);
    }
    if (queued_.empty()) {
      return ok_status();
    }
    HVD_TRY(wait_for_fd(socket_.get(), POLLOUT, deadline, clock));
  }
}

}  // namespace hvd
