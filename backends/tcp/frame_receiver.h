// backends/tcp/frame_receiver.h: cuts what comes over an edge into chunks, read to where they stay.
// Not here: the socket (edge_stream.h), what the chunks are for (../engine/execution.h).
// Threads: one owner.  Limits: a window of chunks that were not released; the bytes are a peer's.
// Read next: edge_stream.h.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "backends/tcp/frame.h"
#include "backends/tcp/frame_sender.h"
#include "core/base/status.h"

namespace hvd {

class FrameReceiver {
 public:
  explicit FrameReceiver(const EdgeGeometry& geometry);

  // Where the next bytes go, in order: never empty, because a peer that keeps to its credit has
  // memory here. The rest of a chunk goes straight to its slot; what may follow it to a small
  // buffer, so that a chunk and the next header are one system call.
  std::array<iovec, 2> room();
  // So many came. A failure is final: a stream that lost its frame boundaries cannot go on.
  // `sent_count` is FrameSender::sent_count().
  Status take(std::size_t byte_count, std::uint64_t sent_count);
  // The highest credit that came.
  std::uint64_t credit() const { return credit_; }
  bool inside_frame() const { return filling_ || staged_end_ > 0; }

  // As Transport says, for the oldest chunk that was not released.
  void offer(std::uint64_t sequence, std::span<std::byte> memory);
  // The memory is not touched any more, not even read: what came to it is lost.
  void withdraw_offer() { offered_ = {}; }
  std::optional<IncomingChunk> peek() const;
  void release();
  std::uint64_t released() const { return released_; }

 private:
  Status take_staged(std::uint64_t sent_count);
  Status take_frame(const EdgeFrame& frame, std::uint64_t sent_count);
  void fill(std::size_t byte_count);
  // Where a chunk is or goes: its slot, or what was offered for it.
  std::byte* place(std::uint64_t sequence) const;
  std::byte* slot(std::uint64_t sequence) const;
  ChunkHeader& header(std::uint64_t sequence) { return headers_[sequence % headers_.size()]; }

  const EdgeGeometry geometry_;
  std::unique_ptr<std::byte[]> slots_;  // made for the first chunk
  std::vector<ChunkHeader> headers_;    // of the slots
  std::uint64_t received_ = 0;          // whole chunks
  std::uint64_t released_ = 0;
  std::uint64_t credit_ = 0;
  std::span<std::byte> offered_;  // for chunk released_
  bool filling_ = false;          // chunk received_ is on its way
  std::size_t filled_ = 0;
  std::array<std::byte, 4096> staged_;  // from its begin to staged_end_; less than a frame's head
  std::size_t staged_end_ = 0;          // between two calls
};

}  // namespace hvd
