#include "backends/tcp/frame_sender.h"

#include <algorithm>

#include "backends/net/no_memory.h"
#include "core/base/check.h"

namespace hvd {
namespace {

iovec part_of(std::span<const std::byte> bytes) {
  return {.iov_base = const_cast<std::byte*>(bytes.data()), .iov_len = bytes.size()};
}

}  // namespace

FrameSender::FrameSender(const EdgeGeometry& geometry)
    : geometry_(geometry), queue_(geometry.window()) {}

std::span<std::byte> FrameSender::begin() {
  const std::uint64_t window = geometry_.window();
  if (committed_ - credit_ >= window) {
    return {};
  }
  if (slots_ == nullptr) {
    slots_ = try_bytes(geometry_.chunk_bytes * window);
  }
  if (slots_ == nullptr) {
    memory_failure_ = no_window_memory(geometry_.chunk_bytes * window);
    return {};
  }
  return {slots_.get() + committed_ % window * geometry_.chunk_bytes, geometry_.chunk_bytes};
}

void FrameSender::commit(const ChunkHeader& header) {
  const std::span<std::byte> slot = begin();
  HVD_CHECK(header.byte_count <= slot.size() && queue_size_ < queue_.size());
  at(queue_size_) = {.head = head_of(header), .body = slot.first(header.byte_count)};
  ++queue_size_;
  ++committed_;
  told_ = consumed_;
}

bool FrameSender::credit_due() const {
  return consumed_ - told_ > static_cast<std::uint64_t>(geometry_.credit_lag);
}

std::size_t FrameSender::fill_parts(std::span<iovec> parts) {
  std::size_t count = 0;
  const auto add = [&](std::span<const std::byte> bytes) {
    if (!bytes.empty() && count < parts.size()) {
      parts[count++] = part_of(bytes);
    }
  };
  std::size_t next = 0;
  if (front_sent_ > 0) {
    const Outgoing& front = at(next++);
    add(std::span(front.head).subspan(std::min(front_sent_, front.head.size())));
    add(front.body.subspan(front_sent_ - std::min(front_sent_, front.head.size())));
  }
  if (credit_sent_ == 0 && credit_due()) {
    credit_head_ = encode(EdgeFrame{.kind = FrameKind::credit, .chunk = {}, .credit = consumed_});
  }
  if (credit_sent_ > 0 || credit_due()) {
    add(std::span(credit_head_).subspan(credit_sent_));
  }
  for (; next < queue_size_; ++next) {
    add(at(next).head);
    add(at(next).body);
  }
  return count;
}

void FrameSender::sent_chunk_bytes(std::size_t& byte_count) {
  const std::size_t size = at(0).size();
  const std::size_t count = std::min(byte_count, size - front_sent_);
  byte_count -= count;
  front_sent_ += count;
  if (front_sent_ == size) {
    front_sent_ = 0;
    queue_front_ = (queue_front_ + 1) % queue_.size();
    --queue_size_;
  }
}

void FrameSender::sent(std::size_t byte_count) {
  while (byte_count > 0) {
    if (front_sent_ == 0 && (credit_sent_ > 0 || credit_due())) {
      const std::size_t count = std::min(byte_count, credit_head_.size() - credit_sent_);
      told_ = credit_sent_ == 0 ? consumed_ : told_;
      byte_count -= count;
      credit_sent_ = (credit_sent_ + count) % credit_head_.size();
    } else {
      HVD_CHECK(queue_size_ > 0);
      sent_chunk_bytes(byte_count);
    }
  }
}

void FrameSender::drop_all() {
  queue_size_ = 0;
  front_sent_ = 0;
  credit_sent_ = 0;
  told_ = consumed_;
}

}  // namespace hvd
