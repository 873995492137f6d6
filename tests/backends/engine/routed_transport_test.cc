#include "backends/engine/routed_transport.h"

#include "backends/loopback/loopback_world.h"
#include "core/base/clock.h"
#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("chunks take the wire of their rank, and both wires are told of a sleep", "[engine]") {
  const SteadyClock clock;
  LoopbackWorld here(3, clock, LoopbackWorld::kGeometry);
  LoopbackWorld there(3, clock, LoopbackWorld::kGeometry);
  const auto local_peer = here.make_transport(Rank{1});
  const auto remote_peer = there.make_transport(Rank{2});
  const RoutedTransport::Limits express{.chunk_bytes_max = 64, .slot_count = 1};
  const RoutedTransport::Limits bulk{.chunk_bytes_max = 128, .slot_count = 2};
  RoutedTransport routed(here.make_transport(kRoot), there.make_transport(kRoot),
                         {true, true, false}, {express, bulk, express, bulk});
  CHECK(routed.chunk_bytes_max(Lane::express) == 64);
  CHECK(routed.slot_count(Lane::bulk) == 2);
  for (const Rank peer : {Rank{1}, Rank{2}}) {
    CHECK(routed.reaches(peer).ok());
    CHECK(routed.health(peer).ok());
    CHECK(routed.begin_send(peer, Lane::bulk).size() == 128);
    routed.commit_send(peer, Lane::bulk, {.sequence = 0, .byte_count = 3, .work_id = 1});
  }
  CHECK(local_peer->peek(kRoot, Lane::bulk).has_value());
  CHECK(remote_peer->peek(kRoot, Lane::bulk).has_value());
  CHECK(!routed.peek(Rank{2}, Lane::bulk).has_value());
  REQUIRE(!remote_peer->begin_send(kRoot, Lane::bulk).empty());
  remote_peer->commit_send(kRoot, Lane::bulk, {.sequence = 0, .byte_count = 1, .work_id = 1});
  REQUIRE(routed.peek(Rank{2}, Lane::bulk).has_value());
  CHECK(routed.peek(Rank{2}, Lane::bulk)->data.size() == 1);
  routed.release(Rank{2}, Lane::bulk);
  CHECK(!routed.peek(Rank{2}, Lane::bulk).has_value());
}

}  // namespace
}  // namespace hvd
