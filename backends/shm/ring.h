// backends/shm/ring.h: the slots of one ordered edge in memory that two ranks share.
// Not here: where the memory comes from (segment.h, ../loopback), doorbells (ring_transport.h).
// Threads: one writer, one reader, each its own thread or process.  Limits: slots of whole lines.
// Read next: ring_transport.h.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "backends/engine/transport.h"
#include "core/base/check.h"

namespace hvd {

// Slots start on pages of their own: a page that no chunk has reached is not backed by memory.
inline constexpr std::size_t kRingPageBytes = 4096;

struct RingGeometry {
  std::size_t slot_bytes = 0;  // a multiple of kRingPageBytes
  int slot_count = 0;
  friend bool operator==(const RingGeometry&, const RingGeometry&) = default;
};

// Of the rings of each lane.
struct LaneGeometries {
  RingGeometry express;
  RingGeometry bulk;
  constexpr const RingGeometry& operator[](Lane lane) const {
    return is_express(lane) ? express : bulk;
  }
  friend bool operator==(const LaneGeometries&, const LaneGeometries&) = default;
};

// All fields are atomic because the other side may be hostile or broken: whatever is read is read
// once, into private memory, and judged there.
struct RingSlotHeader {
  alignas(kLineBytes) std::atomic<std::uint64_t> sequence;
  std::atomic<std::uint64_t> byte_count;
  std::atomic<std::uint64_t> work_id;
};

// Counts of chunks since the ring was made. Monotone, one writer each, never reset: no ABA.
struct RingCounters {
  alignas(kLineBytes) std::atomic<std::uint64_t> published;  // written by the writer
  alignas(kLineBytes) std::atomic<std::uint64_t> taken;      // written by the reader
};
static_assert(sizeof(RingCounters) == 2 * kLineBytes && sizeof(RingSlotHeader) == kLineBytes);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

constexpr std::size_t ring_header_bytes(const RingGeometry& geometry) {
  const std::size_t bytes =
      sizeof(RingCounters) + static_cast<std::size_t>(geometry.slot_count) * sizeof(RingSlotHeader);
  return (bytes + kRingPageBytes - 1) / kRingPageBytes * kRingPageBytes;
}

constexpr std::size_t ring_bytes(const RingGeometry& geometry) {
  return ring_header_bytes(geometry) +
         static_cast<std::size_t>(geometry.slot_count) * geometry.slot_bytes;
}

// What both ends see. `memory` is ring_bytes() long, starts on a kLineBytes boundary and was zero
// when the first end came to it.
class Ring {
 public:
  Ring(std::byte* memory, const RingGeometry& geometry) : memory_(memory), geometry_(geometry) {
    HVD_CHECK(geometry.slot_count > 0 && geometry.slot_bytes % kRingPageBytes == 0);
  }
  RingCounters& counters() const { return *reinterpret_cast<RingCounters*>(memory_); }
  RingSlotHeader& header(std::uint64_t chunk) const {
    return reinterpret_cast<RingSlotHeader*>(memory_ + sizeof(RingCounters))[slot(chunk)];
  }
  std::span<std::byte> data(std::uint64_t chunk) const {
    return {memory_ + ring_header_bytes(geometry_) + slot(chunk) * geometry_.slot_bytes,
            geometry_.slot_bytes};
  }
  std::uint64_t slot_count() const { return static_cast<std::uint64_t>(geometry_.slot_count); }

 private:
  std::size_t slot(std::uint64_t chunk) const { return chunk % slot_count(); }
  std::byte* memory_;
  RingGeometry geometry_;
};

// Stores and loads of the two counters are sequentially consistent: each side stores its counter
// and then loads the other's `sleeping` word, while a sleeper stores that word and then loads the
// counters. On x86 only the stores cost more than plain ones.
class RingWriter {
 public:
  RingWriter(std::byte* memory, const RingGeometry& geometry) : ring_(memory, geometry) {}

  // Empty while every slot is taken.
  std::span<std::byte> begin() {
    if (published_ - taken_ >= ring_.slot_count()) {
      const std::uint64_t taken = ring_.counters().taken.load();
      if (published_ - taken >= ring_.slot_count()) {
        damaged_ = published_ - taken > ring_.slot_count();
        return {};
      }
      taken_ = taken;
    }
    return ring_.data(published_);
  }
  void commit(const ChunkHeader& header) {
    RingSlotHeader& slot = ring_.header(published_);
    slot.sequence.store(header.sequence, std::memory_order_relaxed);
    slot.byte_count.store(header.byte_count, std::memory_order_relaxed);
    slot.work_id.store(header.work_id, std::memory_order_relaxed);
    ring_.counters().published.store(++published_);
  }
  // The reader's counter says that it took chunks that were never published.
  bool damaged() const { return damaged_; }

 private:
  Ring ring_;
  std::uint64_t published_ = 0;
  std::uint64_t taken_ = 0;  // the reader's counter when it was last looked at
  bool damaged_ = false;
};

class RingReader {
 public:
  RingReader(std::byte* memory, const RingGeometry& geometry) : ring_(memory, geometry) {}

  std::optional<IncomingChunk> peek() {
    if (published_ == taken_) {
      const std::uint64_t published = ring_.counters().published.load();
      if (published - taken_ > ring_.slot_count()) {
        damaged_ = true;
        return std::nullopt;
      }
      published_ = published;
      if (published_ == taken_) {
        return std::nullopt;
      }
    }
    RingSlotHeader& slot = ring_.header(taken_);
    IncomingChunk chunk;
    chunk.header.sequence = slot.sequence.load(std::memory_order_relaxed);
    chunk.header.byte_count = slot.byte_count.load(std::memory_order_relaxed);
    chunk.header.work_id = slot.work_id.load(std::memory_order_relaxed);
    const std::span<std::byte> data = ring_.data(taken_);
    chunk.data = data.first(std::min<std::size_t>(chunk.header.byte_count, data.size()));
    return chunk;
  }
  // True if the writer may have found the ring full and has to be woken for this slot. If this
  // misses the writer's last chunk, the writer's next look cannot miss this release.
  bool release() {
    HVD_CHECK(taken_ != published_);  // peek() gave it
    const std::uint64_t before = taken_++;
    ring_.counters().taken.store(taken_);
    return ring_.counters().published.load() - before >= ring_.slot_count();
  }
  // The writer's counter says that more chunks are in flight than the ring has slots.
  bool damaged() const { return damaged_; }

 private:
  Ring ring_;
  std::uint64_t published_ = 0;  // the writer's counter when it was last looked at
  std::uint64_t taken_ = 0;
  bool damaged_ = false;
};

// One per rank, written by it when it is about to sleep and by the peer that rings: who takes the
// word away has to ring, so one sleep is rung once however many chunks arrive.
struct SleepWord {
  alignas(kLineBytes) std::atomic<std::uint64_t> sleeping;

  void announce() { sleeping.store(1); }
  void withdraw() { sleeping.store(0, std::memory_order_relaxed); }
  bool take() { return sleeping.load() != 0 && sleeping.exchange(0) != 0; }
};
static_assert(sizeof(SleepWord) == kLineBytes);

}  // namespace hvd
