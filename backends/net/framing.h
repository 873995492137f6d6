// backends/net/framing.h: messages over a byte stream: 8 bytes of header, then the message.
// Not here: what messages mean; who may send them (handshake.h comes first).
// Threads: one owner.  Limits: message_bytes_max of the connection.
// Read next: control_star.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <utility>

#include "backends/net/fd.h"
#include "core/base/bytes.h"
#include "core/base/clock.h"
#include "core/base/fifo.h"
#include "core/base/status.h"

namespace hvd {

// "hv", version, zero, message size in 32 bits
inline constexpr std::size_t kFrameHeaderBytes = 8;
inline constexpr std::uint8_t kFrameVersion = 1;

std::array<std::byte, kFrameHeaderBytes> frame_header(std::size_t message_bytes);

// Cuts a byte stream into messages, whatever pieces it comes in. Memory grows with the bytes that
// came, never with the size that a header claims.
class FrameParser {
 public:
  explicit FrameParser(std::size_t message_bytes_max) : message_bytes_max_(message_bytes_max) {}

  // A failure is final: a stream that lost its frame boundaries cannot be continued.
  Status feed(std::span<const std::byte> bytes);
  // The oldest whole message; false if there is none. What `message` held before is gone, its
  // memory serves a later one.
  bool take(Bytes& message);
  bool has_message() const { return !whole_.empty(); }
  bool inside_frame() const { return header_bytes_ > 0; }

 private:
  Status take_header();
  const std::size_t message_bytes_max_;
  std::array<std::byte, kFrameHeaderBytes> header_{};
  std::size_t header_bytes_ = 0;
  std::size_t message_bytes_ = 0;
  Bytes message_;
  Fifo<Bytes> whole_;
  Bytes spare_;  // memory for the message after that at hand
  Status failure_;
};

// A connected, authenticated, non-blocking stream socket that carries frames.
class FramedConnection {
 public:
  FramedConnection(Fd socket, std::size_t message_bytes_max)
      : socket_(std::move(socket)), parser_(message_bytes_max), bytes_max_(message_bytes_max) {}

  // Gives what the kernel takes at once, queues the rest. A connection that cannot be written any
  // more swallows it; reading goes on and tells how it ended.
  void send(std::span<const std::byte> message);
  void flush();
  bool flushed() const { return queued_.empty(); }
  // After this nothing more may be sent; the peer reads to the end and then sees an orderly end.
  void finish_sending();

  // One read of at most `buffer`; a caller with a poller comes again. Messages that came before the
  // end of the connection are delivered, then ended() is true.
  void read_some(std::span<std::byte> buffer);
  bool take(Bytes& message) { return parser_.take(message); }
  // No more bytes will come. Messages may still wait in take().
  bool ended() const { return ended_; }
  const std::string& end_reason() const { return end_reason_; }

  // Blocking, for init time.
  Result<Bytes> receive_until(Time deadline, const Clock& clock);
  Status flush_until(Time deadline, const Clock& clock);

  int fd() const { return socket_.get(); }

 private:
  void stop_writing(int error_number);
  void end(std::string reason);

  Fd socket_;
  FrameParser parser_;
  const std::size_t bytes_max_;
  std::deque<Bytes> queued_;           // frames with headers; the first one is partly written
  std::size_t queued_front_sent_ = 0;  // bytes of the first one that are gone
  bool finish_when_flushed_ = false;
  bool write_broken_ = false;
  std::string write_failure_;
  bool ended_ = false;
  std::string end_reason_;
};

}  // namespace hvd
