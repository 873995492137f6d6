#include "backends/loopback/loopback_control_plane.h"

#include "backends/loopback/loopback_world.h"
#include "core/base/thread.h"
#include "tests/catch.h"

namespace hvd {
namespace {

Bytes message_of(std::uint64_t value) { return ByteWriter().put(value).take(); }
std::uint64_t value_of(const ControlEvent& event) {
  return ByteReader(event.message).get<std::uint64_t>();
}

TEST_CASE("messages of a rank arrive at the root in order and wake it", "[loopback]") {
  SteadyClock clock;
  LoopbackWorld world(2, clock);
  const auto root = world.make_control_plane(kRoot);
  const auto leaf = world.make_control_plane(Rank{1});
  const auto idle = world.make_idle(kRoot);
  ControlEvent event;
  CHECK_FALSE(root->receive(event));
  CHECK_FALSE(idle->poll());
  leaf->send(kRoot, message_of(7));
  leaf->send(kRoot, message_of(8));
  CHECK(idle->poll());
  for (const std::uint64_t expected : {7, 8}) {
    REQUIRE(root->receive(event));
    CHECK(event.kind == ControlEvent::Kind::message);
    CHECK(event.from == Rank{1});
    CHECK(value_of(event) == expected);
  }
  CHECK_FALSE(root->receive(event));
}

TEST_CASE("the loss of a rank reaches the root once and after all that it had sent", "[loopback]") {
  SteadyClock clock;
  LoopbackWorld world(3, clock);
  const auto root = world.make_control_plane(kRoot);
  auto first = world.make_control_plane(Rank{1});
  const auto second = world.make_control_plane(Rank{2});
  first->send(kRoot, message_of(1));

  std::string reason;
  SECTION("when it is killed") {
    reason = "killed by the test";
    world.kill(Rank{1}, reason);
    first->send(kRoot, message_of(2));  // from a dead process: swallowed
    first.reset();
  }
  SECTION("when its control plane goes") {
    reason = "connection closed by peer";
    first.reset();
  }
  root->send(Rank{1}, message_of(3));  // to a dead process: swallowed
  ControlEvent event;
  REQUIRE(root->receive(event));
  CHECK(event.kind == ControlEvent::Kind::message);
  REQUIRE(root->receive(event));
  CHECK(event.kind == ControlEvent::Kind::peer_lost);
  CHECK(event.from == Rank{1});
  CHECK(event.reason == reason);
  CHECK_FALSE(root->receive(event));
  CHECK_FALSE(second->receive(event));  // a star: leaves do not see one another
}

TEST_CASE("the loss of the root reaches every rank", "[loopback]") {
  SteadyClock clock;
  LoopbackWorld world(3, clock);
  const auto first = world.make_control_plane(Rank{1});
  const auto second = world.make_control_plane(Rank{2});
  world.kill(kRoot);
  for (ControlPlane* plane :
       {static_cast<ControlPlane*>(first.get()), static_cast<ControlPlane*>(second.get())}) {
    ControlEvent event;
    REQUIRE(plane->receive(event));
    CHECK(event.kind == ControlEvent::Kind::peer_lost);
    CHECK(event.from == kRoot);
  }
}

TEST_CASE("ranks on threads of their own lose no message", "[loopback]") {
  constexpr int kRankCount = 4;
  constexpr std::uint64_t kMessageCount = 500;
  SteadyClock clock;
  LoopbackWorld world(kRankCount, clock);
  std::vector<Thread> leaves;
  std::vector<std::unique_ptr<LoopbackControlPlane>> planes;
  planes.reserve(kRankCount);
  for (int rank = 0; rank < kRankCount; ++rank) {
    planes.push_back(world.make_control_plane(Rank{rank}));
  }
  for (int rank = 1; rank < kRankCount; ++rank) {
    leaves.emplace_back("leaf", [&planes, rank] {
      for (std::uint64_t i = 0; i < kMessageCount; ++i) {
        planes[static_cast<std::size_t>(rank)]->send(kRoot, message_of(i));
      }
    });
  }
  const auto idle = world.make_idle(kRoot);
  std::vector<std::uint64_t> next(kRankCount, 0);
  std::uint64_t received = 0;
  bool in_order = true;
  ControlEvent event;
  while (received < (kRankCount - 1) * kMessageCount) {
    if (!planes[0]->receive(event)) {
      idle->sleep(kNever);
      continue;
    }
    in_order = in_order && value_of(event) == next[event.from.index()]++;
    ++received;
  }
  CHECK(in_order);
}

}  // namespace
}  // namespace hvd
