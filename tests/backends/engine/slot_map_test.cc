#include "backends/engine/slot_map.h"

#include "backends/loopback/loopback_world.h"
#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("flag 0 is the bank's own, the others are the rank's in both banks", "[engine]") {
  SteadyClock clock;
  LoopbackWorld world(2, clock);
  const auto transport = world.make_transport(Rank{0});
  const SlotMap& map = *transport->slot_map(Lane::express);
  CHECK(&map.flag(Rank{1}, 0, 0) != &map.flag(Rank{1}, 1, 0));
  CHECK(&map.flag(Rank{1}, 0, 3) == &map.flag(Rank{1}, 1, 3));
  CHECK(&map.flag(Rank{0}, 0, 3) != &map.flag(Rank{1}, 0, 3));
}

TEST_CASE("a small message lies in the line of the flag that says that it is there", "[engine]") {
  SteadyClock clock;
  LoopbackWorld world(2, clock);
  const auto transport = world.make_transport(Rank{0});
  const SlotMap& map = *transport->slot_map(Lane::express);
  const auto* flag = reinterpret_cast<std::byte*>(&map.flag(Rank{1}, 0, 0));
  CHECK(map.slots(Rank{1}, 0) == flag + sizeof(std::uint64_t));
  CHECK(reinterpret_cast<std::uintptr_t>(flag) % kLineBytes == 0);
}

}  // namespace
}  // namespace hvd
