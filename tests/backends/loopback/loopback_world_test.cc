#include "backends/loopback/loopback_world.h"

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("worlds in one process do not see each other", "[loopback]") {
  SteadyClock clock;
  LoopbackWorld one(2, clock);
  LoopbackWorld other(2, clock);
  const auto sender = one.make_control_plane(Rank{1});
  const auto transport = one.make_transport(Rank{1});
  const auto receiver = other.make_control_plane(kRoot);
  const auto idle = other.make_idle(kRoot);
  const auto edge = other.make_transport(kRoot);
  sender->send(kRoot, Bytes(3));
  REQUIRE_FALSE(transport->begin_send(kRoot, Lane::bulk).empty());
  transport->commit_send(kRoot, Lane::bulk, {});
  ControlEvent event;
  CHECK_FALSE(receiver->receive(event));
  CHECK_FALSE(idle->poll());
  CHECK_FALSE(edge->peek(Rank{1}, Lane::bulk).has_value());
}

TEST_CASE("a message and a chunk ring the same bell", "[loopback]") {
  SteadyClock clock;
  LoopbackWorld world(2, clock);
  const auto idle = world.make_idle(kRoot);
  const auto root = world.make_transport(kRoot);
  const auto control = world.make_control_plane(Rank{1});
  const auto transport = world.make_transport(Rank{1});
  control->send(kRoot, Bytes(1));
  CHECK(idle->poll());
  root->prepare_sleep();
  REQUIRE_FALSE(transport->begin_send(kRoot, Lane::bulk).empty());
  transport->commit_send(kRoot, Lane::bulk, {});
  CHECK(idle->poll());
}

}  // namespace
}  // namespace hvd
