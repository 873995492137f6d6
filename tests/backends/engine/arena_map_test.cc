#include "backends/engine/arena_map.h"

#include <array>

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("only what lies in the arena from its first to its last byte is in it", "[engine]") {
  std::array<std::byte, 64> memory{};
  const ArenaMap map{{std::span(memory).subspan(16, 32), {}}};
  CHECK(map.contains(Rank{0}, memory.data() + 16, 32));
  CHECK(map.contains(Rank{0}, memory.data() + 48, 0));
  CHECK_FALSE(map.contains(Rank{0}, memory.data() + 15, 1));
  CHECK_FALSE(map.contains(Rank{0}, memory.data() + 17, 32));
  CHECK_FALSE(map.contains(Rank{0}, memory.data() + 20, ~std::size_t{0}));
  CHECK_FALSE(map.contains(Rank{1}, memory.data() + 16, 1));
}

}  // namespace
}  // namespace hvd
