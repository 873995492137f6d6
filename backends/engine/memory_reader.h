// backends/engine/memory_reader.h: reading tensors out of the memory of other processes of the
// host. Not here: where they lie (peer_parts.h), who may (../shm/process_memory.h). Threads: baton
// holder only.  Limits: kReadPiecesMax pieces at a time. Read next: peer_parts.h, then
// ../shm/process_memory.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/base/status.h"
#include "core/vocabulary/rank.h"

namespace hvd {

inline constexpr std::size_t kReadPiecesMax = 16;

struct ReadPiece {
  std::byte* to = nullptr;
  std::uint64_t from = 0;  // an address in the other process: its word, of which nothing is known
  std::size_t byte_count = 0;
};

class MemoryReader {
 public:
  MemoryReader() = default;
  virtual ~MemoryReader() = default;
  MemoryReader(const MemoryReader&) = delete;
  MemoryReader& operator=(const MemoryReader&) = delete;

  // Does not block, but takes as long as copying does. A failure may leave some of it copied.
  virtual Status read(Rank peer, std::span<const ReadPiece> pieces) = 0;
  // Ok if the process of `peer` has lived until now, so that what was read before was its memory
  // and not that of another process that got its number.
  virtual Status has_lived(Rank peer) = 0;
  // Whether others can read this memory of ours, which that of a device, or pinned for one, may
  // not let them. Any thread.
  virtual bool can_be_read(const std::byte* memory, std::size_t byte_count) const = 0;
};

}  // namespace hvd
