#include "backends/shm/byte_ring.h"

#include <memory>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/random.h"
#include "core/base/thread.h"
#include "tests/catch.h"

namespace hvd {
namespace {

struct alignas(kLineBytes) RingMemory {
  std::byte bytes[kByteRingBytes] = {};
};

struct TestRing {
  std::unique_ptr<RingMemory> memory = std::make_unique<RingMemory>();
  ByteRingWriter writer{memory->bytes};
  ByteRingReader reader{memory->bytes};
  Bytes scratch = Bytes(kByteRingCapacity);
};

Bytes pattern(std::size_t size, std::size_t from) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<std::byte>((from + i) * 7 % 251);
  }
  return bytes;
}

TEST_CASE("a byte ring shows nothing before publish and takes what fits", "[shm]") {
  TestRing ring;
  CHECK(ring.writer.stage(pattern(10, 0)) == 10);
  CHECK_FALSE(ring.reader.has_bytes());
  ring.writer.publish();
  CHECK(ring.reader.has_bytes());
  CHECK(ring.writer.stage(pattern(kByteRingCapacity, 10)) == kByteRingCapacity - 10);
  CHECK(ring.writer.full());
  CHECK(ring.writer.stage(pattern(1, 0)) == 0);
  ring.writer.publish();
  const auto taken = ring.reader.take(ring.scratch);
  CHECK(Bytes(taken.begin(), taken.end()) == pattern(kByteRingCapacity, 0));
  CHECK(ring.reader.writer_may_wait());
  CHECK_FALSE(ring.reader.has_bytes());
  CHECK_FALSE(ring.writer.full());
}

TEST_CASE("a byte ring carries a stream between two threads whole and in order", "[shm]") {
  TestRing ring;
  constexpr std::size_t kTotal = 4U << 20;
  Thread writer("writer", [&] {
    Random random(5);
    for (std::size_t sent = 0; sent < kTotal;) {
      const std::size_t size = std::min<std::size_t>(random.below(3000) + 1, kTotal - sent);
      const Bytes bytes = pattern(size, sent);
      std::size_t done = 0;
      while (done < size) {
        done += ring.writer.stage(std::span(bytes).subspan(done));
        ring.writer.publish();
      }
      sent += size;
    }
  });
  std::size_t at = 0;
  bool same = true;
  while (at < kTotal) {
    for (const std::byte value : ring.reader.take(ring.scratch)) {
      same = same && value == static_cast<std::byte>(at * 7 % 251);
      ++at;
    }
  }
  writer.join();
  CHECK(same);
  CHECK(at == kTotal);
}

TEST_CASE("a full byte ring is taken with a word that its writer may wait, however it is taken",
          "[shm]") {
  for (std::size_t first : {std::size_t{1}, kByteRingCapacity / 2 - 1, kByteRingCapacity}) {
    TestRing ring;
    (void)ring.writer.stage(pattern(first, 0));
    ring.writer.publish();
    (void)ring.reader.take(ring.scratch);
    bool told = ring.reader.writer_may_wait();
    while (!ring.writer.full()) {
      (void)ring.writer.stage(pattern(100, 0));
    }
    ring.writer.publish();
    (void)ring.reader.take(ring.scratch);
    CHECK(ring.reader.writer_may_wait());
    CHECK(told == (first >= kByteRingCapacity / 2));
  }
}

TEST_CASE("counters of a byte ring that cannot be are found on both sides", "[shm]") {
  TestRing ring;
  byte_ring_counters(ring.memory->bytes).written.store(kByteRingCapacity + 1);
  CHECK(ring.reader.take(ring.scratch).empty());
  CHECK(ring.reader.damaged());
  CHECK_FALSE(ring.reader.has_bytes());
  CHECK_FALSE(ring.writer.damaged());
  byte_ring_counters(ring.memory->bytes).taken.store(5);
  (void)ring.writer.stage(pattern(kByteRingCapacity + 1, 0));
  CHECK(ring.writer.stage(pattern(1, 0)) == 0);
  CHECK(ring.writer.damaged());
}

}  // namespace
}  // namespace hvd
