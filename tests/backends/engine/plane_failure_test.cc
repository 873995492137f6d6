// What a NativeDataPlane does when it is aborted and when a peer sends what cannot be.
#include <cstring>

#include "backends/engine/native_data_plane.h"
#include "tests/backends/engine/engine_world.h"

namespace hvd {
namespace {

// Rank 0 is a plane, rank 1 whatever the test writes into the ring.
struct HostilePeer {
  SteadyClock clock;
  LoopbackWorld world{2, clock};
  std::unique_ptr<LoopbackTransport> own = world.make_transport(Rank{0});
  std::unique_ptr<LoopbackTransport> peer = world.make_transport(Rank{1});
  std::unique_ptr<NativeDataPlane> plane =
      NativeDataPlane::create(Rank{0}, 2, EngineWorld::forced("recursive_doubling"), *own).value();
  std::vector<float> values = std::vector<float>(100, 1.0F);

  void start_allreduce(std::uint64_t id) {
    WorkItem item;
    item.id = id;
    item.kind = CollectiveKind::allreduce;
    item.dtype = DType::float32;
    item.op = ReduceOp::sum;
    item.label = "grad/fc";
    item.choice = plane->choose(
        {.kind = item.kind, .dtype = item.dtype, .op = item.op, .element_count = values.size()});
    auto* bytes = reinterpret_cast<std::byte*>(values.data());
    item.segments = {{bytes, bytes, values.size()}};
    plane->start(std::move(item));
  }
  void send(const ChunkHeader& header) {
    REQUIRE_FALSE(peer->begin_send(Rank{0}, Lane::express).empty());
    peer->commit_send(Rank{0}, Lane::express, header);
  }
  void progress() {
    while (plane->progress()) {
    }
  }
  Status next_status() {
    WorkCompletion completion;
    REQUIRE(plane->take_completion(completion));
    return completion.status;
  }
};

TEST_CASE("an item of a group without this rank is refused and the plane goes on", "[engine]") {
  HostilePeer world;
  WorkItem item;
  item.id = 5;
  item.kind = CollectiveKind::allreduce;
  item.label = "grad/fc";
  item.group = std::make_shared<const Group>(Group{.id = 3, .members = {Rank{1}}});
  world.plane->start(std::move(item));
  const Status status = world.next_status();
  CHECK(status.code() == StatusCode::invalid_argument);
  CHECK_THAT(status.message(), Catch::Contains("allreduce 'grad/fc': group 3 of ranks 1: rank 0 is "
                                               "not in it"));
  world.start_allreduce(6);
  world.progress();
  CHECK(world.plane->busy());
}

TEST_CASE("a chunk whose header does not fit fails the item and all later ones", "[engine]") {
  HostilePeer world;
  world.start_allreduce(0);
  world.progress();
  CHECK(world.plane->busy());
  std::string found;
  SECTION("another sequence") {
    world.send({.sequence = 1, .byte_count = 400, .work_id = 0});
    found = "found chunk 1 with 400 bytes of work item 0";
  }
  SECTION("too short") {
    world.send({.sequence = 0, .byte_count = 396, .work_id = 0});
    found = "found chunk 0 with 396 bytes of work item 0";
  }
  SECTION("longer than any slot") {
    world.send({.sequence = 0, .byte_count = ~std::uint64_t{0}, .work_id = 0});
    found = "found chunk 0 with 18446744073709551615 bytes of work item 0";
  }
  SECTION("another item") {
    world.send({.sequence = 0, .byte_count = 400, .work_id = 7});
    found = "found chunk 0 with 400 bytes of work item 7";
  }
  world.progress();
  const Status status = world.next_status();
  CHECK(status.code() == StatusCode::aborted);
  CHECK(status.culprit_rank() == 1);
  CHECK_THAT(status.message(), Catch::Contains("allreduce 'grad/fc' on rank 0 expects chunk 0 of "
                                               "this edge with 400 bytes of work item 0") &&
                                   Catch::Contains(found));
  CHECK(world.values == std::vector<float>(100, 1.0F));
  CHECK_FALSE(world.plane->busy());

  world.start_allreduce(1);
  CHECK(world.next_status().message() == status.message());
  CHECK_FALSE(world.plane->busy());
}

TEST_CASE("a counter in shared memory that cannot be fails the item", "[engine]") {
  HostilePeer world;
  world.start_allreduce(0);
  world.progress();
  std::string text;
  SECTION("more published than the edge has slots") {
    Ring(world.world.memory().ring(Rank{1}, Rank{0}, Lane::express), LoopbackWorld::kGeometry)
        .counters()
        .published.store(5);
    text = "slots from it hold are marked as published";
  }
  SECTION("the rank that sleeps on it is told so") {
    Ring(world.world.memory().ring(Rank{1}, Rank{0}, Lane::express), LoopbackWorld::kGeometry)
        .counters()
        .published.store(~std::uint64_t{0});
    CHECK_FALSE(world.plane->prepare_sleep());
    text = "slots from it hold are marked as published";
  }
  world.progress();
  const Status status = world.next_status();
  CHECK(status.culprit_rank() == 1);
  CHECK_THAT(status.message(), Catch::Contains(text));
}

TEST_CASE("a choice that is none fails the item with a reason", "[engine]") {
  HostilePeer world;
  WorkItem item;
  item.kind = CollectiveKind::barrier;
  item.choice = 0xdeadbeef;
  world.plane->start(item);
  world.progress();
  CHECK(world.next_status().code() == StatusCode::invalid_argument);
}

TEST_CASE("a chunk size that the wire does not have fails the item with a reason", "[engine]") {
  HostilePeer world;
  WorkItem item;
  item.kind = CollectiveKind::broadcast;
  item.dtype = DType::uint8;
  item.choice = pack_choice({.algorithm = Algorithm::tree, .chunk_bytes = 8192});
  std::vector<std::byte> bytes(10'000);
  item.segments = {{bytes.data(), bytes.data(), bytes.size()}};
  world.plane->start(item);
  world.progress();
  CHECK_THAT(world.next_status().message(),
             Catch::Contains("chunks of 8192 bytes") && Catch::Contains("takes at most 4096"));
}

TEST_CASE("abort completes what runs, what waits and what comes later with its cause", "[engine]") {
  HostilePeer world;
  world.start_allreduce(0);
  world.start_allreduce(1);
  world.progress();
  CHECK(world.plane->busy());
  world.plane->abort(error(StatusCode::aborted, "rank 1 died").blame_rank(1));
  CHECK_FALSE(world.plane->busy());
  world.start_allreduce(2);
  world.plane->abort(error(StatusCode::aborted, "a later cause"));
  // What still comes in touches no tensor any more.
  world.send({.sequence = 0, .byte_count = 400, .work_id = 0});
  world.progress();
  for (int i = 0; i < 3; ++i) {
    const Status status = world.next_status();
    CHECK(status.message() == "rank 1 died");
    CHECK(status.culprit_rank() == 1);
  }
  WorkCompletion completion;
  CHECK_FALSE(world.plane->take_completion(completion));
  CHECK(world.values == std::vector<float>(100, 1.0F));
}

TEST_CASE("an abort at any moment completes every item on every rank", "[engine]") {
  Random random(51);
  for (int round = 0; round < 200; ++round) {
    const int rank_count = 2 + static_cast<int>(random.below(4));
    EngineWorld world(rank_count);
    std::vector<std::vector<float>> values(static_cast<std::size_t>(rank_count));
    const WorkItem item = world.item_of(
        {.kind = CollectiveKind::allreduce, .dtype = DType::float32, .element_count = 9'000});
    for (std::size_t rank = 0; rank < values.size(); ++rank) {
      values[rank].assign(9'000, 1.0F);
      auto* bytes = reinterpret_cast<std::byte*>(values[rank].data());
      WorkItem mine = item;
      mine.segments = {{bytes, bytes, 9'000}};
      world.planes[rank]->start(std::move(mine));
    }
    const std::uint64_t steps = random.below(12);
    for (std::uint64_t step = 0; step < steps; ++step) {
      world.planes[random.below(values.size())]->progress();
    }
    for (std::size_t rank = 0; rank < values.size(); ++rank) {
      world.planes[rank]->abort(error(StatusCode::aborted, "stopped by the test"));
      CHECK_FALSE(world.planes[rank]->progress());
      CHECK_FALSE(world.planes[rank]->busy());
      CHECK(world.completions(Rank{rank}).size() == 1);
    }
  }
}

}  // namespace
}  // namespace hvd
