// backends/shm/byte_ring.h: a stream of bytes from one process to another through shared memory.
// Not here: where it lies (domain_layout.h), messages and who is woken (host_control.h).
// Threads: one writer, one reader, each its own thread or process.
// Limits: kByteRingCapacity bytes under way.  Read next: host_control.h.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "backends/engine/transport.h"
#include "core/vocabulary/rank.h"

namespace hvd {

// Counts of bytes since the ring was made. Monotone, one writer each, never reset.
struct ByteRingCounters {
  alignas(kLineBytes) std::atomic<std::uint64_t> written;  // by the writer
  alignas(kLineBytes) std::atomic<std::uint64_t> taken;    // by the reader
};

// A step of a model with some hundred tensors announces itself in one go: 80 bytes for each.
inline constexpr std::size_t kByteRingBytes = std::size_t{16} << 10;
inline constexpr std::size_t kByteRingCapacity = kByteRingBytes - sizeof(ByteRingCounters);

// Memory of kByteRingBytes that starts on a line and was zero when the first end came to it.
inline ByteRingCounters& byte_ring_counters(std::byte* memory) {
  return *reinterpret_cast<ByteRingCounters*>(memory);
}

// The two rings between this rank and another.
struct ControlChannel {
  Rank peer;
  std::byte* outgoing = nullptr;
  std::byte* incoming = nullptr;
};

// Counters are stored and loaded sequentially consistent, as those of ring.h and for its reason.
class ByteRingWriter {
 public:
  explicit ByteRingWriter(std::byte* memory) : memory_(memory) {}

  // Takes as many bytes as fit; the reader sees them after publish().
  std::size_t stage(std::span<const std::byte> bytes) {
    const std::size_t count = std::min(bytes.size(), room(bytes.size()));
    if (count == 0) {
      return 0;  // no bytes may lie nowhere, which memcpy does not allow
    }
    const std::size_t at = staged_ % kByteRingCapacity;
    const std::size_t first = std::min(count, kByteRingCapacity - at);
    std::byte* data = memory_ + sizeof(ByteRingCounters);
    std::memcpy(data + at, bytes.data(), first);
    std::memcpy(data, bytes.data() + first, count - first);
    staged_ += count;
    return count;
  }
  void publish() { byte_ring_counters(memory_).written.store(staged_); }
  bool full() const {
    return damaged_ || staged_ - byte_ring_counters(memory_).taken.load() >= kByteRingCapacity;
  }
  // The reader's counter says that it took bytes that were never published.
  bool damaged() const { return damaged_; }

 private:
  std::size_t room(std::size_t wanted) {
    if (damaged_ || kByteRingCapacity - (staged_ - taken_) >= wanted) {
      return damaged_ ? 0 : kByteRingCapacity - (staged_ - taken_);
    }
    const std::uint64_t taken = byte_ring_counters(memory_).taken.load();
    if (staged_ - taken > kByteRingCapacity) {
      damaged_ = true;
      return 0;
    }
    taken_ = taken;
    return kByteRingCapacity - (staged_ - taken_);
  }

  std::byte* memory_;
  std::uint64_t staged_ = 0;
  std::uint64_t taken_ = 0;  // the reader's counter when it was last looked at
  bool damaged_ = false;
};

class ByteRingReader {
 public:
  explicit ByteRingReader(std::byte* memory) : memory_(memory) {}

  bool has_bytes() const {
    return !damaged_ && byte_ring_counters(memory_).written.load() != taken_;
  }
  // Copies all that is there, into memory of at least kByteRingCapacity bytes.
  std::span<const std::byte> take(std::span<std::byte> into) {
    const std::uint64_t under_way = byte_ring_counters(memory_).written.load() - taken_;
    damaged_ = damaged_ || under_way > kByteRingCapacity;
    if (damaged_ || under_way == 0) {
      return {};
    }
    const auto count = static_cast<std::size_t>(under_way);
    const std::size_t at = taken_ % kByteRingCapacity;
    const std::size_t first = std::min(count, kByteRingCapacity - at);
    const std::byte* data = memory_ + sizeof(ByteRingCounters);
    std::memcpy(into.data(), data + at, first);
    std::memcpy(into.data() + first, data, count - first);
    taken_ += count;
    byte_ring_counters(memory_).taken.store(taken_);
    // A writer that found the ring full had published all of it, so that either the look before
    // this one or this one found at least half of it.
    writer_may_wait_ = count >= kByteRingCapacity / 2;
    return into.first(count);
  }
  // After take(): the writer may have found the ring full and has to be woken.
  bool writer_may_wait() const { return writer_may_wait_; }
  // The writer's counter says that more bytes are under way than the ring holds.
  bool damaged() const { return damaged_; }

 private:
  std::byte* memory_;
  std::uint64_t taken_ = 0;
  bool writer_may_wait_ = false;
  bool damaged_ = false;
};

}  // namespace hvd
