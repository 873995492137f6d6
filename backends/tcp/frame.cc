#include "backends/tcp/frame.h"

#include <cerrno>
#include <cstring>

#include "backends/net/no_memory.h"
#include "core/base/bytes.h"
#include "core/base/check.h"

namespace hvd {
namespace {

constexpr std::uint16_t kMagic = 0x6568;  // "he"

}  // namespace

// No ByteWriter: this runs once a chunk and must not allocate.
EdgeFrameBytes encode(const EdgeFrame& frame) {
  HVD_CHECK(frame.chunk.byte_count <= UINT32_MAX);  // pair: chunk_bytes_max() of the transport
  EdgeFrameBytes bytes{};
  std::size_t at = 0;
  const auto put = [&](auto value) {
    std::memcpy(bytes.data() + at, &value, sizeof value);
    at += sizeof value;
  };
  put(kMagic);
  put(kEdgeFrameVersion);
  put(static_cast<std::uint8_t>(frame.kind));
  put(static_cast<std::uint32_t>(frame.chunk.byte_count));
  put(frame.chunk.sequence);
  put(frame.chunk.work_id);
  put(frame.credit);
  return bytes;
}

Result<EdgeFrame> decode_edge_frame(std::span<const std::byte, kEdgeFrameBytes> bytes) {
  ByteReader reader(bytes);
  const auto magic = reader.get<std::uint16_t>();
  const auto version = reader.get<std::uint8_t>();
  const auto kind = reader.get<std::uint8_t>();
  EdgeFrame frame;
  frame.chunk.byte_count = reader.get<std::uint32_t>();
  frame.chunk.sequence = reader.get<std::uint64_t>();
  frame.chunk.work_id = reader.get<std::uint64_t>();
  frame.credit = reader.get<std::uint64_t>();
  if (magic != kMagic) {
    return error(StatusCode::aborted, "a frame begins with ", magic, " instead of ", kMagic);
  }
  if (version != kEdgeFrameVersion) {
    return error(StatusCode::aborted, "a frame has version ", static_cast<int>(version),
                 "; this side knows version ", static_cast<int>(kEdgeFrameVersion));
  }
  if (kind != static_cast<std::uint8_t>(FrameKind::chunk) &&
      kind != static_cast<std::uint8_t>(FrameKind::credit)) {
    return error(StatusCode::aborted, "a frame has kind ", static_cast<int>(kind),
                 ", which there is not");
  }
  frame.kind = static_cast<FrameKind>(kind);
  if (frame.kind == FrameKind::credit && frame.chunk != ChunkHeader{}) {
    return error(StatusCode::aborted, "a credit frame has a chunk of ", frame.chunk.byte_count,
                 " bytes, sequence ", frame.chunk.sequence);
  }
  return frame;
}

Status no_window_memory(std::size_t bytes) {
  return no_memory("taking", bytes, "chunks under way to or from another host", ENOMEM,
                   "have fewer neighbours: HVD_ALGORITHM ring");
}

}  // namespace hvd
