#include "backends/shm/ring.h"

#include <cstring>
#include <memory>
#include <vector>

#include "backends/loopback/loopback_transport.h"
#include "core/base/thread.h"
#include "tests/catch.h"

namespace hvd {
namespace {

constexpr RingGeometry kGeometry{.slot_bytes = 4096, .slot_count = 3};

struct TestRing {
  LoopbackMemory memory{2, kGeometry};
  std::byte* bytes = memory.ring(Rank{0}, Rank{1}, Lane::bulk);
  RingWriter writer{bytes, kGeometry};
  RingReader reader{bytes, kGeometry};

  void send(std::uint64_t sequence) {
    const std::span<std::byte> slot = writer.begin();
    REQUIRE(slot.size() == kGeometry.slot_bytes);
    std::memcpy(slot.data(), &sequence, sizeof sequence);
    writer.commit({.sequence = sequence, .byte_count = sizeof sequence, .work_id = 5});
  }
};

TEST_CASE("a ring hands over as many chunks as it has slots, then waits for the reader", "[shm]") {
  TestRing ring;
  CHECK_FALSE(ring.reader.peek().has_value());
  for (std::uint64_t lap = 0; lap < 4; ++lap) {
    for (std::uint64_t i = 0; i < 3; ++i) {
      ring.send(lap * 3 + i);
    }
    CHECK(ring.writer.begin().empty());
    for (std::uint64_t i = 0; i < 3; ++i) {
      const auto chunk = ring.reader.peek();
      REQUIRE(chunk.has_value());
      CHECK(chunk->header == ChunkHeader{lap * 3 + i, 8, 5});
      std::uint64_t value = 0;
      REQUIRE(chunk->data.size() == sizeof value);
      std::memcpy(&value, chunk->data.data(), sizeof value);
      CHECK(value == lap * 3 + i);
      CHECK(ring.reader.release() == (i == 0));  // only the first can have made the writer wait
      CHECK_FALSE(ring.writer.begin().empty());
    }
    CHECK_FALSE(ring.reader.peek().has_value());
  }
}

TEST_CASE("a chunk longer than its slot is cut to the slot and keeps the length it claims",
          "[shm]") {
  TestRing ring;
  REQUIRE_FALSE(ring.writer.begin().empty());
  ring.writer.commit({.sequence = 0, .byte_count = ~std::uint64_t{0}, .work_id = 0});
  const auto chunk = ring.reader.peek();
  REQUIRE(chunk.has_value());
  CHECK(chunk->data.size() == kGeometry.slot_bytes);
  CHECK(chunk->header.byte_count == ~std::uint64_t{0});
}

TEST_CASE("counters that cannot be are damage, not chunks", "[shm]") {
  TestRing ring;
  RingCounters& counters = Ring(ring.bytes, kGeometry).counters();
  SECTION("more published than there are slots") {
    counters.published.store(4);
    CHECK_FALSE(ring.reader.peek().has_value());
    CHECK(ring.reader.damaged());
  }
  SECTION("published runs backwards") {
    ring.send(0);
    REQUIRE(ring.reader.peek().has_value());
    ring.reader.release();
    counters.published.store(0);
    CHECK_FALSE(ring.reader.peek().has_value());
    CHECK(ring.reader.damaged());
  }
  SECTION("more taken than was published") {
    for (std::uint64_t i = 0; i < 3; ++i) {
      ring.send(i);
    }
    counters.taken.store(4);
    CHECK(ring.writer.begin().empty());
    CHECK(ring.writer.damaged());
  }
}

TEST_CASE("chunks between two threads arrive whole and in order", "[shm]") {
  constexpr std::uint64_t kChunkCount = 20'000;
  TestRing ring;
  Thread sender("sender", [&ring] {
    for (std::uint64_t i = 0; i < kChunkCount;) {
      const std::span<std::byte> slot = ring.writer.begin();
      if (slot.empty()) {
        yield_thread();
        continue;
      }
      std::memset(slot.data(), static_cast<int>(i & 0xff), 64);
      ring.writer.commit({.sequence = i++, .byte_count = 64, .work_id = 0});
    }
  });
  bool right = true;
  for (std::uint64_t i = 0; i < kChunkCount;) {
    const auto chunk = ring.reader.peek();
    if (!chunk.has_value()) {
      yield_thread();
      continue;
    }
    right = right && chunk->header.sequence == i && chunk->data.size() == 64;
    for (const std::byte value : chunk->data) {
      right = right && value == static_cast<std::byte>(i & 0xff);
    }
    ring.reader.release();
    ++i;
  }
  sender.join();
  CHECK(right);
}

TEST_CASE("a sleep that was announced is rung for exactly once", "[shm]") {
  LoopbackMemory memory(2, kGeometry);
  SleepWord& word = *memory.sleep_word(Rank{1});
  CHECK_FALSE(word.take());
  word.announce();
  CHECK(word.take());
  CHECK_FALSE(word.take());
  word.announce();
  word.withdraw();
  CHECK_FALSE(word.take());
}

}  // namespace
}  // namespace hvd
