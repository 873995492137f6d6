// backends/engine/transport.h: the wire as the engine sees it: zero-copy slots on ordered edges.
// Not here: what a chunk means (execution.h); the wires themselves (backends/shm,
// backends/loopback). Threads: baton holder only.  Limits: chunk_bytes_max() a chunk, slot_count()
// chunks in flight an edge.  Read next: native_data_plane.h, then ../shm/ring.h.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "backends/engine/arena_map.h"
#include "backends/engine/memory_reader.h"
#include "backends/engine/slot_map.h"
#include "collectives/lane.h"
#include "core/base/status.h"
#include "core/vocabulary/rank.h"

namespace hvd {

// Travels with every chunk and is compared by the receiver with what its schedule expects: a peer's
// memory and wires are input.
struct ChunkHeader {
  std::uint64_t sequence = 0;  // chunks on this edge before this one; never restarts
  std::uint64_t byte_count = 0;
  std::uint64_t work_id = 0;
  friend bool operator==(const ChunkHeader&, const ChunkHeader&) = default;
};

struct IncomingChunk {
  ChunkHeader header;               // a private copy, as the peer wrote it
  std::span<const std::byte> data;  // min(header.byte_count, chunk_bytes_max()) bytes
};

// An edge is an ordered pair of ranks in one lane; its chunks arrive in the order in which they
// were committed. Nothing here blocks.
class Transport {
 public:
  Transport() = default;
  virtual ~Transport() = default;
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  // Memory for the next chunk to `peer`, chunk_bytes_max() long; empty while no slot is free.
  // Asking again before the commit gives the same memory.
  virtual std::span<std::byte> begin_send(Rank peer, Lane lane) = 0;
  // Publishes what begin_send() gave; rings the peer's doorbell if the peer announced its sleep.
  virtual void commit_send(Rank peer, Lane lane, const ChunkHeader& header) = 0;

  // The same at once, out of `pieces` where the wire can take bytes from where they lie: they may
  // be written again when this returns. False: nothing happened, begin_send() is the way.
  virtual bool send_from(Rank, Lane, const ChunkHeader&,
                         std::span<const std::span<const std::byte>>) {
    return false;
  }

  // Chunk `sequence` from `peer` is awaited, and may be read into this memory at once; peek() says
  // where it came to. Stands until that chunk's release() or until withdraw_offers(),
  // which is for the end of all work: what came to the memory is lost then.
  virtual void offer(Rank, Lane, std::uint64_t /*sequence*/, std::span<std::byte>) {}
  virtual void withdraw_offers() {}

  // The oldest chunk from `peer` that was not released, if one is there.
  virtual std::optional<IncomingChunk> peek(Rank peer, Lane lane) = 0;
  // The memory of the chunk that peek() gave may be written again.
  virtual void release(Rank peer, Lane lane) = 0;

  // Slots and flags that the ranks of this host share; null where there are none. Constant.
  virtual const SlotMap* slot_map(Lane) const { return nullptr; }
  // Where the arenas of this host's ranks lie; null where there are none. Constant.
  virtual const ArenaMap* arena_map() const { return nullptr; }
  // Reads the memory of this host's ranks; null unless all ranks of the job may.
  virtual MemoryReader* memory_reader() { return nullptr; }
  // After a flag was raised: rings the peer's doorbell if the peer announced its sleep.
  virtual void notify(Rank) {}

  // Ok, or why no chunk can go to `peer` at all.
  virtual Status reaches(Rank peer) const = 0;
  // Asked while an edge gives nothing: ok, or what `peer` did to the edge that cannot be.
  virtual Status health(Rank peer) const = 0;

  // Whether the process of `peer` has ended, and with it all that it could do to this rank's
  // memory.
  virtual bool gone(Rank) const { return false; }
  // A peer that did not say that it stopped may still touch this memory of the arena: it is to be
  // given to nobody again.
  virtual void leave_to_peers(const std::byte* /*memory*/, std::size_t /*bytes*/) {}

  virtual std::size_t chunk_bytes_max(Lane lane) const = 0;
  virtual int slot_count(Lane lane) const = 0;
  // Chunks of an exchange that best leave before the first one is awaited, at most slot_count():
  // one is reduced while the next is under way (ScheduleParams::send_ahead). Equal on all ranks.
  virtual int send_ahead(Lane lane) const { return std::min(2, slot_count(lane)); }

  // False while committed chunks wait here for a peer that lives, so that this rank has to stay.
  virtual bool delivered() const { return true; }

  // Announces that peers must ring. Whoever waits looks once more after this and before it sleeps.
  virtual void prepare_sleep() = 0;
  virtual void end_sleep() = 0;

  virtual std::string description() const = 0;  // "shared memory among 4 ranks"
  // Every descriptor that the transport holds, for the handler that runs in a forked child.
  virtual void for_each_fd(const std::function<void(int)>& visit) const = 0;
};

}  // namespace hvd
