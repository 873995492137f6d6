#include "backends/engine/edges.h"

#include "backends/loopback/loopback_world.h"
#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("chunks are counted for each edge and direction apart", "[engine]") {
  SteadyClock clock;
  LoopbackWorld world(3, clock);
  const auto transport = world.make_transport(Rank{0});
  const auto first = world.make_transport(Rank{1});
  const auto second = world.make_transport(Rank{2});
  Edges edges(*transport, Lane::bulk, 3);
  for (std::uint64_t i = 0; i < 2; ++i) {
    REQUIRE_FALSE(transport->begin_send(Rank{1}, Lane::bulk).empty());
    edges.commit(Rank{1}, 8 * i, 70 + i);
  }
  REQUIRE_FALSE(transport->begin_send(Rank{2}, Lane::bulk).empty());
  edges.commit(Rank{2}, 24, 72);
  CHECK(first->peek(kRoot, Lane::bulk)->header == ChunkHeader{0, 0, 70});
  first->release(kRoot, Lane::bulk);
  CHECK(first->peek(kRoot, Lane::bulk)->header == ChunkHeader{1, 8, 71});
  CHECK(second->peek(kRoot, Lane::bulk)->header == ChunkHeader{0, 24, 72});

  CHECK(edges.expected_sequence(Rank{1}) == 0);
  REQUIRE_FALSE(first->begin_send(kRoot, Lane::bulk).empty());
  first->commit_send(kRoot, Lane::bulk, {});
  REQUIRE(transport->peek(Rank{1}, Lane::bulk).has_value());
  edges.release(Rank{1});
  CHECK(edges.expected_sequence(Rank{1}) == 1);
  CHECK(edges.expected_sequence(Rank{2}) == 0);
  CHECK_FALSE(transport->peek(Rank{1}, Lane::bulk).has_value());
}

}  // namespace
}  // namespace hvd
