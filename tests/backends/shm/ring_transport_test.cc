#include "backends/shm/ring_transport.h"

#include "backends/loopback/loopback_world.h"
#include "tests/catch.h"

namespace hvd {
namespace {

struct TwoRanks {
  SteadyClock clock;
  LoopbackWorld world{2, clock};
  std::unique_ptr<LoopbackTransport> a = world.make_transport(Rank{0});
  std::unique_ptr<LoopbackTransport> b = world.make_transport(Rank{1});
  std::unique_ptr<LoopbackIdle> bell_of_a = world.make_idle(Rank{0});
  std::unique_ptr<LoopbackIdle> bell_of_b = world.make_idle(Rank{1});

  void send_to_b() {
    REQUIRE_FALSE(a->begin_send(Rank{1}, Lane::bulk).empty());
    a->commit_send(Rank{1}, Lane::bulk, {});
  }
};

TEST_CASE("a chunk rings a receiver that sleeps, once", "[shm]") {
  TwoRanks ranks;
  ranks.send_to_b();
  CHECK_FALSE(ranks.bell_of_b->poll());
  ranks.b->prepare_sleep();
  ranks.send_to_b();
  CHECK(ranks.bell_of_b->poll());
  ranks.send_to_b();
  CHECK_FALSE(ranks.bell_of_b->poll());
  ranks.b->prepare_sleep();
  ranks.b->end_sleep();
  ranks.send_to_b();
  CHECK_FALSE(ranks.bell_of_b->poll());
}

TEST_CASE("a free slot rings a sender that sleeps only if it may wait for that slot", "[shm]") {
  TwoRanks ranks;
  ranks.send_to_b();
  ranks.a->prepare_sleep();
  REQUIRE(ranks.b->peek(Rank{0}, Lane::bulk).has_value());
  ranks.b->release(Rank{0}, Lane::bulk);
  CHECK_FALSE(ranks.bell_of_a->poll());
  ranks.a->end_sleep();
  for (int i = 0; i < ranks.a->slot_count(Lane::bulk); ++i) {
    ranks.send_to_b();
  }
  CHECK(ranks.a->begin_send(Rank{1}, Lane::bulk).empty());
  ranks.a->prepare_sleep();
  REQUIRE(ranks.b->peek(Rank{0}, Lane::bulk).has_value());
  ranks.b->release(Rank{0}, Lane::bulk);
  CHECK(ranks.bell_of_a->poll());
  CHECK_FALSE(ranks.a->begin_send(Rank{1}, Lane::bulk).empty());
}

TEST_CASE("asking for a slot again before it is committed gives the same slot", "[shm]") {
  TwoRanks ranks;
  const auto first = ranks.a->begin_send(Rank{1}, Lane::bulk);
  CHECK(ranks.a->begin_send(Rank{1}, Lane::bulk).data() == first.data());
  CHECK(first.size() == ranks.a->chunk_bytes_max(Lane::bulk));
  ranks.a->commit_send(Rank{1}, Lane::bulk, {});
  CHECK(ranks.a->begin_send(Rank{1}, Lane::bulk).data() != first.data());
}

TEST_CASE("a peer that damages its counters is named", "[shm]") {
  TwoRanks ranks;
  CHECK(ranks.a->health(Rank{1}).ok());
  std::string text;
  SECTION("as a writer") {
    Ring(ranks.world.memory().ring(Rank{1}, Rank{0}, Lane::bulk), LoopbackWorld::kGeometry)
        .counters()
        .published.store(100);
    CHECK_FALSE(ranks.a->peek(Rank{1}, Lane::bulk).has_value());
    text = "published";
  }
  SECTION("as a reader") {
    Ring(ranks.world.memory().ring(Rank{0}, Rank{1}, Lane::bulk), LoopbackWorld::kGeometry)
        .counters()
        .taken.store(100);
    for (int i = 0; i < ranks.a->slot_count(Lane::bulk); ++i) {
      ranks.send_to_b();
    }
    CHECK(ranks.a->begin_send(Rank{1}, Lane::bulk).empty());
    text = "taken";
  }
  const Status health = ranks.a->health(Rank{1});
  CHECK(health.code() == StatusCode::aborted);
  CHECK(health.culprit_rank() == 1);
  CHECK_THAT(health.message(), Catch::Contains("rank 1") && Catch::Contains(text));
}

}  // namespace
}  // namespace hvd
