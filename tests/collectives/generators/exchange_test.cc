#include "collectives/generators/exchange.h"

#include "core/base/str.h"
#include "tests/catch.h"

namespace hvd {
namespace {

std::string order_of(std::uint64_t turn_count, std::uint64_t ahead) {
  std::string order;
  exchange_in_turn(
      turn_count, ahead, [&](std::uint64_t turn) { order += str("s", turn, " "); },
      [&](std::uint64_t turn) { order += str("r", turn, " "); });
  return order;
}

TEST_CASE("sends run ahead of receives by as many chunks as is said", "[exchange]") {
  CHECK(order_of(3, 1) == "s0 r0 s1 r1 s2 r2 ");
  CHECK(order_of(3, 2) == "s0 s1 r0 s2 r1 r2 ");
  CHECK(order_of(2, 5) == "s0 s1 r0 r1 ");
  CHECK(order_of(0, 2).empty());
}

TEST_CASE("a walk around the ring sends what came in one step before", "[exchange]") {
  ScheduleParams params;
  params.rank = Rank{1};
  params.rank_count = 3;
  params.chunk_element_count = 2;
  params.send_ahead = 1;
  std::string order;
  walk_ring(
      params, even_blocks(9, 3), 2,
      [&](int step, Block chunk) { order += str("s", step, "@", chunk.offset, " "); },
      [&](int step, Block chunk) { order += str("r", step, "@", chunk.offset, " "); });
  CHECK(order == "s0@3 r0@0 s0@5 r0@2 s1@0 r1@6 s1@2 r1@8 ");
}

TEST_CASE("a walk sends no farther ahead than one step, whose chunks it has", "[exchange]") {
  ScheduleParams params;
  params.rank_count = 2;
  params.chunk_element_count = 8;  // one chunk a block
  params.send_ahead = 3;
  std::string order;
  walk_ring(
      params, even_blocks(16, 2), 2, [&](int step, Block) { order += str("s", step, " "); },
      [&](int step, Block) { order += str("r", step, " "); });
  CHECK(order == "s0 r0 s1 r1 ");
}

}  // namespace
}  // namespace hvd
