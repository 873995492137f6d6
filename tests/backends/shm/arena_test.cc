#include "backends/shm/arena.h"

#include <cstring>
#include <vector>

#include "core/base/random.h"
#include "tests/catch.h"

namespace hvd {
namespace {

constexpr std::size_t kUnit = Arena::kAlignment;

TEST_CASE("blocks of the arena are aligned and do not overlap", "[shm]") {
  const auto arena = Arena::create(1 << 20).value();
  Random random(5);
  struct Block {
    std::byte* memory;
    std::size_t bytes;
    unsigned char mark;
  };
  std::vector<Block> blocks;
  for (int step = 0; step < 3'000; ++step) {
    if (blocks.size() < 40 && random.below(3) > 0) {
      const std::size_t bytes = random.below(9'000);
      const Result<std::byte*> memory = arena->allocate(bytes);
      REQUIRE(memory.ok());
      REQUIRE(reinterpret_cast<std::uintptr_t>(*memory) % kUnit == 0);
      REQUIRE(arena->contains(*memory, bytes));
      blocks.push_back({*memory, bytes, static_cast<unsigned char>(step)});
      std::memset(*memory, blocks.back().mark, bytes);
    } else if (!blocks.empty()) {
      const std::size_t at = random.below(blocks.size());
      for (std::size_t i = 0; i < blocks[at].bytes; ++i) {
        REQUIRE(blocks[at].memory[i] == std::byte{blocks[at].mark});
      }
      REQUIRE(arena->release(blocks[at].memory).ok());
      blocks.erase(blocks.begin() + static_cast<std::ptrdiff_t>(at));
    }
  }
  for (const Block& block : blocks) {
    REQUIRE(arena->release(block.memory).ok());
  }
  CHECK(arena->allocate(arena->segment().size()).ok());  // all of it is one piece again
}

TEST_CASE("an arena that is full says how much is left and which setting to raise", "[shm]") {
  const auto arena = Arena::create(4096).value();
  REQUIRE(arena->allocate(4096 - 2 * kUnit).ok());
  const auto refused = arena->allocate(3 * kUnit);
  CHECK(refused.status().code() == StatusCode::resource);
  CHECK(refused.status().message() ==
        "the arena has no 384 bytes in one piece: the largest free one has 256 of 4096. raise "
        "HVD_ARENA_BYTES, or release tensors that are no longer used");
  CHECK_FALSE(arena->allocate(~std::size_t{0}).ok());
  CHECK(arena->allocate(0).ok());
}

TEST_CASE("what the arena did not give cannot be released, and nothing twice", "[shm]") {
  const auto arena = Arena::create(4096).value();
  std::byte* block = arena->allocate(500).value();
  std::byte elsewhere{};
  CHECK(arena->release(&elsewhere).code() == StatusCode::invalid_argument);
  CHECK(arena->release(block + kUnit).code() == StatusCode::invalid_argument);
  CHECK(arena->release(block).ok());
  CHECK(arena->release(block).code() == StatusCode::invalid_argument);
}

TEST_CASE("memory that another rank may write to is not given out again", "[shm]") {
  const auto arena = Arena::create(64 * kUnit).value();
  std::byte* first = arena->allocate(8 * kUnit).value();
  std::byte* second = arena->allocate(8 * kUnit).value();
  std::byte* freed = arena->allocate(8 * kUnit).value();
  REQUIRE(arena->release(freed).ok());  // by an impatient owner
  arena->keep(second + 100, 1);
  arena->keep(freed + 2 * kUnit, kUnit + 1);
  arena->keep(nullptr, 10);  // not here at all
  REQUIRE(arena->release(second).ok());
  REQUIRE(arena->release(first).ok());
  const auto given = [&](std::size_t units) {
    const Result<std::byte*> memory = arena->allocate(units * kUnit);
    return memory.ok() ? *memory : nullptr;
  };
  CHECK(given(9) == freed + 4 * kUnit);  // behind what is kept
  CHECK(given(8) == first);
  CHECK(given(2) == freed);
  CHECK(given(27) == freed + 13 * kUnit);
  CHECK(given(8) == freed + 40 * kUnit);
  CHECK(given(1) == nullptr);  // 8 and 2 of the 64 are kept
}

}  // namespace
}  // namespace hvd
