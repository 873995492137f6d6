// backends/tcp/frame.h: what goes before every chunk on a data connection: 32 bytes.
// Not here: cutting a stream into frames (frame_receiver.h), the first bytes of a connection
// (hello.h). Threads: pure functions.  Limits: a chunk is smaller than 4 GiB.
// Read next: frame_sender.h, frame_receiver.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "backends/engine/transport.h"
#include "core/base/status.h"

namespace hvd {

enum class FrameKind : std::uint8_t {
  chunk = 1,   // byte_count bytes follow
  credit = 2,  // nothing follows: only the credit counts
};

// "he", version, kind, byte count in 32 bits, then three numbers of 64 bits.
struct EdgeFrame {
  FrameKind kind = FrameKind::chunk;
  ChunkHeader chunk;
  // Chunks that the frame's sender has consumed so far: it has memory for a window more.
  std::uint64_t credit = 0;
  friend bool operator==(const EdgeFrame&, const EdgeFrame&) = default;
};

inline constexpr std::size_t kEdgeFrameBytes = 32;
inline constexpr std::uint8_t kEdgeFrameVersion = 1;
using EdgeFrameBytes = std::array<std::byte, kEdgeFrameBytes>;

EdgeFrameBytes encode(const EdgeFrame& frame);
// Checks what can be said without knowing the edge; a failure names the field.
Result<EdgeFrame> decode_edge_frame(std::span<const std::byte, kEdgeFrameBytes> bytes);

// The window of chunks that a side keeps memory for could not be had.
Status no_window_memory(std::size_t bytes);

}  // namespace hvd
