#include "backends/tcp/frame_receiver.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "backends/net/no_memory.h"
#include "core/base/check.h"

namespace hvd {

FrameReceiver::FrameReceiver(const EdgeGeometry& geometry)
    : geometry_(geometry), headers_(geometry.window()), staged_{} {}

std::byte* FrameReceiver::slot(std::uint64_t sequence) const {
  return slots_.get() + sequence % headers_.size() * geometry_.chunk_bytes;
}

std::byte* FrameReceiver::place(std::uint64_t sequence) const {
  return !offered_.empty() && sequence == released_ ? offered_.data() : slot(sequence);
}

void FrameReceiver::offer(std::uint64_t sequence, std::span<std::byte> memory) {
  if (sequence != released_ || received_ != released_ || !offered_.empty()) {
    return;  // it is there already, or has its offer
  }
  if (filling_) {
    if (header(received_).byte_count != memory.size()) {
      return;
    }
    std::memcpy(memory.data(), slot(received_), filled_);
  }
  offered_ = memory;
}

std::array<iovec, 2> FrameReceiver::room() {
  const iovec staging{.iov_base = staged_.data() + staged_end_,
                      .iov_len = staged_.size() - staged_end_};
  if (!filling_) {
    return {staging, iovec{}};
  }
  return {iovec{.iov_base = place(received_) + filled_,
                .iov_len = header(received_).byte_count - filled_},
          staging};
}

Status FrameReceiver::take(std::size_t byte_count, std::uint64_t sent_count) {
  if (filling_) {
    const std::size_t direct =
        std::min<std::size_t>(byte_count, header(received_).byte_count - filled_);
    byte_count -= direct;
    fill(direct);
  }
  HVD_CHECK(byte_count <= staged_.size() - staged_end_);  // pair: room()
  staged_end_ += byte_count;
  return take_staged(sent_count);
}

void FrameReceiver::fill(std::size_t byte_count) {
  filled_ += byte_count;
  if (filled_ == header(received_).byte_count) {
    filling_ = false;
    ++received_;
  }
}

Status FrameReceiver::take_staged(std::uint64_t sent_count) {
  std::size_t at = 0;
  for (;;) {
    const std::span<const std::byte> rest = std::span(staged_).subspan(at, staged_end_ - at);
    if (filling_) {
      const std::size_t count =
          std::min<std::size_t>(rest.size(), header(received_).byte_count - filled_);
      if (count == 0) {
        break;
      }
      std::memcpy(place(received_) + filled_, rest.data(), count);
      fill(count);
      at += count;
    } else if (rest.size() >= kEdgeFrameBytes) {
      HVD_ASSIGN(const EdgeFrame frame, decode_edge_frame(rest.first<kEdgeFrameBytes>()));
      HVD_TRY(take_frame(frame, sent_count));
      at += kEdgeFrameBytes;
    } else {
      break;
    }
  }
  std::memmove(staged_.data(), staged_.data() + at, staged_end_ - at);
  staged_end_ -= at;
  return ok_status();
}

Status FrameReceiver::take_frame(const EdgeFrame& frame, std::uint64_t sent_count) {
  if (frame.credit > sent_count) {
    return error(StatusCode::aborted, "a frame has credit ", frame.credit, " but only ", sent_count,
                 " chunks were sent");
  }
  credit_ = std::max(credit_, frame.credit);
  if (frame.kind == FrameKind::credit) {
    return ok_status();
  }
  if (frame.chunk.byte_count > geometry_.chunk_bytes) {
    return error(StatusCode::aborted, "a frame has byte count ", frame.chunk.byte_count,
                 "; the limit is ", geometry_.chunk_bytes);
  }
  if (frame.chunk.sequence != received_) {
    return error(StatusCode::aborted, "a frame has sequence ", frame.chunk.sequence,
                 " where chunk ", received_, " was to come");
  }
  if (received_ - released_ >= headers_.size()) {
    return error(StatusCode::aborted, "a frame has sequence ", frame.chunk.sequence, " but only ",
                 released_, " chunks were consumed and there is memory for ", headers_.size());
  }
  if (slots_ == nullptr) {
    slots_ = try_bytes(geometry_.chunk_bytes * headers_.size());
  }
  if (slots_ == nullptr) {
    return no_window_memory(geometry_.chunk_bytes * headers_.size());
  }
  header(received_) = frame.chunk;
  if (received_ == released_ && offered_.size() != frame.chunk.byte_count) {
    offered_ = {};  // not what the receiver awaits; it will find that out
  }
  filling_ = true;
  filled_ = 0;
  fill(0);  // an empty chunk is whole already
  return ok_status();
}

std::optional<IncomingChunk> FrameReceiver::peek() const {
  if (received_ == released_) {
    return std::nullopt;
  }
  const ChunkHeader& header = headers_[released_ % headers_.size()];
  return IncomingChunk{.header = header, .data = {place(released_), header.byte_count}};
}

void FrameReceiver::release() {
  HVD_CHECK(received_ != released_);
  offered_ = {};
  ++released_;
}

}  // namespace hvd
