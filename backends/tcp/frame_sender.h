// backends/tcp/frame_sender.h: the chunks and credits of an edge that have still to leave.
// Not here: the socket (edge_stream.h).
// Threads: one owner.  Limits: the window of the geometry.
// Read next: frame_receiver.h.
#pragma once

#include <sys/uio.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "backends/tcp/frame.h"

namespace hvd {

struct EdgeGeometry {
  std::size_t chunk_bytes = 0;
  int slot_count = 0;
  // A receiver tells of its consumption after so many chunks and one more, if no chunk of its own
  // has told before. It has memory for these too: a chunk can always be sent while fewer than
  // slot_count are unconsumed, whatever the sender was told. Schedules rely on it.
  int credit_lag = 0;

  constexpr std::uint64_t window() const {
    return static_cast<std::uint64_t>(slot_count) + static_cast<std::uint64_t>(credit_lag);
  }
};

// The peer keeps memory for a window of chunks, so that one in flight never finds none there, and
// says with each of its frames how many it has consumed.
class FrameSender {
 public:
  explicit FrameSender(const EdgeGeometry& geometry);

  // As Transport::begin_send() says; empty as well if there is no memory for the window.
  std::span<std::byte> begin();
  // Why there is none.
  const Status& memory_failure() const { return memory_failure_; }
  void commit(const ChunkHeader& header);
  EdgeFrameBytes head_of(const ChunkHeader& header) const {
    return encode(EdgeFrame{.chunk = header, .credit = consumed_});
  }
  // Chunks of which every byte has left. A credit for more than these is a lie.
  std::uint64_t sent_count() const { return committed_ - queue_size_; }
  // The peer has consumed so many chunks, at most sent_count(). Lower than before: an older frame.
  void take_credit(std::uint64_t credit) { credit_ = std::max(credit_, credit); }
  // This side has consumed so many chunks.
  void set_consumed(std::uint64_t count) { consumed_ = count; }

  bool empty() const { return queue_size_ == 0 && credit_sent_ == 0 && !credit_due(); }
  // What to write next: pieces in order, at most as many as there is room for; then how much of
  // that was written, before anything else is called.
  std::size_t fill_parts(std::span<iovec> parts);
  void sent(std::size_t byte_count);
  // The connection is gone.
  void drop_all();

 private:
  struct Outgoing {
    EdgeFrameBytes head{};
    std::span<const std::byte> body;
    std::size_t size() const { return head.size() + body.size(); }
  };
  bool credit_due() const;
  Outgoing& at(std::size_t place) { return queue_[(queue_front_ + place) % queue_.size()]; }
  void sent_chunk_bytes(std::size_t& byte_count);

  const EdgeGeometry geometry_;
  std::unique_ptr<std::byte[]> slots_;  // made for the first chunk
  Status memory_failure_;
  std::uint64_t committed_ = 0;
  std::uint64_t credit_ = 0;
  std::uint64_t consumed_ = 0;
  std::uint64_t told_ = 0;  // consumed_, as the peer was last told
  std::vector<Outgoing> queue_;
  std::size_t queue_front_ = 0;
  std::size_t queue_size_ = 0;
  std::size_t front_sent_ = 0;  // bytes of the first one that are gone
  // A credit goes between two chunks, ahead of those that wait; there is one at a time, so that a
  // peer that never reads cannot make them pile up.
  EdgeFrameBytes credit_head_{};
  std::size_t credit_sent_ = 0;  // bytes of it that are gone
};

}  // namespace hvd
