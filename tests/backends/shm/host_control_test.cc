#include "backends/shm/host_control.h"

#include <algorithm>
#include <memory>

#include "backends/loopback/loopback_world.h"
#include "tests/catch.h"

namespace hvd {
namespace {

// Ranks 0 and 1 of one host and rank 2 of another, whose messages go over the star.
struct ThreeRanks {
  struct alignas(kLineBytes) RingMemory {
    std::byte bytes[kByteRingBytes] = {};
  };
  SteadyClock clock;
  LoopbackWorld world{3, clock};
  std::unique_ptr<RingMemory> down = std::make_unique<RingMemory>();
  std::unique_ptr<RingMemory> up = std::make_unique<RingMemory>();
  std::unique_ptr<LoopbackControlPlane> stars[3] = {world.make_control_plane(Rank{0}),
                                                    world.make_control_plane(Rank{1}),
                                                    world.make_control_plane(Rank{2})};
  std::unique_ptr<LoopbackTransport> transports[2] = {world.make_transport(Rank{0}),
                                                      world.make_transport(Rank{1})};
  std::unique_ptr<LoopbackIdle> bell_of_root = world.make_idle(Rank{0});
  HostControl root{*stars[0], *transports[0], 3, {{Rank{1}, down->bytes, up->bytes}}};
  HostControl leaf{*stars[1], *transports[1], 3, {{Rank{0}, up->bytes, down->bytes}}};
};

Bytes message_of(std::size_t size, int value) { return Bytes(size, static_cast<std::byte>(value)); }

TEST_CASE("messages of one host pass through memory, the others' over the star", "[shm]") {
  ThreeRanks ranks;
  ranks.leaf.send(kRoot, message_of(3, 7));
  ranks.stars[2]->send(kRoot, message_of(4, 8));
  CHECK(ranks.leaf.flushed());
  CHECK(ranks.root.pending());
  ControlEvent event;
  REQUIRE(ranks.root.receive(event));
  CHECK(event.from == Rank{1});
  CHECK(event.message == message_of(3, 7));
  REQUIRE(ranks.root.receive(event));
  CHECK(event.from == Rank{2});
  CHECK(event.message == message_of(4, 8));
  CHECK_FALSE(ranks.root.receive(event));
  CHECK_FALSE(ranks.root.pending());
  ranks.root.send(Rank{1}, message_of(5, 9));
  REQUIRE(ranks.leaf.receive(event));
  CHECK(event.message == message_of(5, 9));
  CHECK_FALSE(ranks.stars[1]->receive(event));
}

TEST_CASE("messages larger than the ring pass it in pieces, in order, and wake who sleeps",
          "[shm]") {
  ThreeRanks ranks;
  const std::size_t sizes[] = {100, 3 * kByteRingCapacity + 5, 0, kByteRingCapacity - 8, 1};
  for (const std::size_t size : sizes) {
    ranks.leaf.send(kRoot, message_of(size, static_cast<int>(size % 200)));
  }
  CHECK_FALSE(ranks.leaf.flushed());
  ranks.transports[0]->prepare_sleep();
  ControlEvent event;
  for (const std::size_t size : sizes) {
    while (!ranks.root.receive(event)) {
      CHECK(ranks.leaf.pending());             // there is room again,
      CHECK_FALSE(ranks.leaf.receive(event));  // which this fills
      CHECK(ranks.bell_of_root->poll());
      ranks.transports[0]->prepare_sleep();
    }
    CHECK(event.message == message_of(size, static_cast<int>(size % 200)));
  }
  CHECK(ranks.leaf.flushed());
}

TEST_CASE("a peer is lost after everything that it had sent through memory", "[shm]") {
  ThreeRanks ranks;
  ranks.leaf.send(kRoot, message_of(3, 1));
  ranks.world.kill(Rank{1}, "gone");
  ControlEvent event;
  REQUIRE(ranks.root.receive(event));
  CHECK(event.kind == ControlEvent::Kind::message);
  REQUIRE(ranks.root.receive(event));
  CHECK(event.kind == ControlEvent::Kind::peer_lost);
  CHECK(event.reason == "gone");
  CHECK_FALSE(ranks.root.receive(event));
  for (int i = 0; i < 100; ++i) {
    ranks.root.send(Rank{1}, message_of(1000, 2));  // swallowed
  }
  CHECK(ranks.root.flushed());
}

TEST_CASE("a peer that damages its channel in memory is lost with the reason, once", "[shm]") {
  ThreeRanks ranks;
  ControlEvent event;
  SECTION("bytes that cannot be there") {
    byte_ring_counters(ranks.up->bytes).written.store(kByteRingCapacity + 9);
  }
  SECTION("bytes that are no frame") { byte_ring_counters(ranks.up->bytes).written.store(40); }
  SECTION("bytes taken that were never sent") {
    byte_ring_counters(ranks.down->bytes).taken.store(77);
    ranks.root.send(Rank{1}, message_of(kByteRingCapacity + 1, 2));
  }
  REQUIRE(ranks.root.receive(event));
  CHECK(event.kind == ControlEvent::Kind::peer_lost);
  CHECK(event.from == Rank{1});
  CHECK_FALSE(event.reason.empty());
  ranks.world.kill(Rank{1}, "gone");
  CHECK_FALSE(ranks.root.receive(event));
  CHECK(ranks.root.flushed());
}

}  // namespace
}  // namespace hvd
