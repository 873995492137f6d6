#include "backends/engine/peer_tensors.h"

#include <array>
#include <cstring>

#include "tests/backends/engine/engine_world.h"
#include "tests/catch.h"

namespace hvd {
namespace {

using Floats = std::vector<float>;

// An arena for each of `rank_count` ranks, in plain memory.
struct Arenas {
  std::vector<Floats> memory;
  ArenaMap map;
  Arenas(int rank_count, std::size_t float_count)
      : memory(static_cast<std::size_t>(rank_count), Floats(float_count)) {
    for (Floats& arena : memory) {
      map.arenas.push_back(std::as_writable_bytes(std::span(arena)));
    }
  }
  std::byte* at(std::size_t rank, std::size_t index) {
    return reinterpret_cast<std::byte*>(memory[rank].data() + index);
  }
};

WorkItem item_of(std::vector<WorkSegment> segments) {
  WorkItem item;
  item.kind = CollectiveKind::allreduce;
  item.dtype = DType::float32;
  item.op = ReduceOp::sum;
  item.label = "grad";
  item.segments = std::move(segments);
  return item;
}

TEST_CASE("a rank finds the tensors of another by what that one told", "[engine]") {
  Arenas arenas(2, 100);
  std::array<std::byte, 64> slots{};
  const WorkItem theirs =
      item_of({{arenas.at(1, 10), arenas.at(1, 20), 5}, {arenas.at(1, 60), arenas.at(1, 60), 7}});
  REQUIRE(tell_places(theirs, arenas.map, Rank{1}, slots.data(), slots.size()).ok());
  const WorkItem ours =
      item_of({{arenas.at(0, 0), arenas.at(0, 0), 5}, {arenas.at(0, 30), arenas.at(0, 30), 7}});
  PeerTensors peer;
  REQUIRE(peer.read(ours, arenas.map, Rank{1}, slots.data()).ok());
  CHECK(peer.input().at(0, 5).data() == arenas.at(1, 10));
  CHECK(peer.output().at(4, 1).data() == arenas.at(1, 24));
  CHECK(peer.output().at(5, 7).data() == arenas.at(1, 60));
}

TEST_CASE("a place outside the peer's arena is refused and blamed on the peer", "[engine]") {
  Arenas arenas(2, 100);
  const WorkItem item = item_of({{arenas.at(0, 0), arenas.at(0, 0), 5}});
  TensorPlace place;
  SECTION("input") { place.input = 400 - 19; }
  SECTION("output") { place.output = ~std::uint64_t{0}; }
  PeerTensors peer;
  const Status status =
      peer.read(item, arenas.map, Rank{1}, reinterpret_cast<const std::byte*>(&place));
  CHECK(status.code() == StatusCode::aborted);
  CHECK(status.culprit_rank() == 1);
}

TEST_CASE("tensors that are not in the arena, or too many, are not told", "[engine]") {
  Arenas arenas(1, 100);
  std::array<std::byte, 16> slots{};
  Floats outside(5);
  auto* bytes = reinterpret_cast<std::byte*>(outside.data());
  CHECK_FALSE(
      tell_places(item_of({{bytes, arenas.at(0, 0), 5}}), arenas.map, kRoot, slots.data(), 16)
          .ok());
  CHECK_FALSE(
      tell_places(item_of({{arenas.at(0, 0), bytes, 5}}), arenas.map, kRoot, slots.data(), 16)
          .ok());
  const WorkSegment fine{arenas.at(0, 0), arenas.at(0, 0), 5};
  CHECK(tell_places(item_of({fine}), arenas.map, kRoot, slots.data(), 16).ok());
  CHECK_FALSE(tell_places(item_of({fine, fine}), arenas.map, kRoot, slots.data(), 16).ok());
}

TEST_CASE("an allreduce in the arena is right, in place and not, over several tensors",
          "[engine]") {
  const int rank_count = GENERATE(2, 3, 5);
  const bool in_place = GENERATE(true, false);
  Random random(6);
  EngineWorld world(rank_count);
  constexpr std::size_t kCounts[] = {17, 0, 50'001};
  Arenas arenas(rank_count, 200'000);
  for (auto& transport : world.transports) {
    transport->share_arenas(arenas.map);
  }
  for (int round = 0; round < 3; ++round) {
    WorkItem item = world.item_of({.kind = CollectiveKind::allreduce,
                                   .dtype = DType::float32,
                                   .element_count = 50'018,
                                   .within_reach = true});
    item.op = ReduceOp::sum;
    item.postscale = 0.5;
    for (std::size_t rank = 0; rank < arenas.memory.size(); ++rank) {
      std::fill(arenas.memory[rank].begin(), arenas.memory[rank].end(),
                static_cast<float>(rank + 1));
      item.segments.clear();
      std::size_t at = rank * 100 + 1;  // not the same place on all ranks
      for (const std::size_t count : kCounts) {
        std::byte* input = arenas.at(rank, at);
        item.segments.push_back({input, in_place ? input : arenas.at(rank, at + 100'000), count});
        at += count + 3;
      }
      world.planes[rank]->start(WorkItem(item));
    }
    REQUIRE(world.run(random));
    REQUIRE(world.all_completed_ok(1));
    const float expected = static_cast<float>(rank_count * (rank_count + 1)) / 4;
    for (std::size_t rank = 0; rank < arenas.memory.size(); ++rank) {
      const std::size_t first = rank * 100 + 1 + (in_place ? 0 : 100'000);
      CHECK(arenas.memory[rank][first] == expected);
      CHECK(arenas.memory[rank][first + 17] == static_cast<float>(rank + 1));  // between tensors
      const float* last = arenas.memory[rank].data() + first + 17 + 6;
      CHECK(std::all_of(last, last + 50'001, [&](float value) { return value == expected; }));
      CHECK(last[50'001] == static_cast<float>(rank + 1));
    }
  }
}

// A bank of slots has room for 1024 places here.
TEST_CASE("an allreduce of more tensors in the arena than can be told is right all the same",
          "[engine]") {
  const int rank_count = GENERATE(2, 3);
  const std::size_t tensor_count = GENERATE(1024, 1025, 5000);
  constexpr std::size_t kEach = 9;  // elements; together they go over the bulk lane
  Random random(8);
  EngineWorld world(rank_count);
  Arenas arenas(rank_count, tensor_count * kEach);
  for (auto& transport : world.transports) {
    transport->share_arenas(arenas.map);
  }
  WorkItem item = world.item_of({.kind = CollectiveKind::allreduce,
                                 .dtype = DType::float32,
                                 .element_count = tensor_count * kEach,
                                 .within_reach = true,
                                 .tensor_count = tensor_count});
  CHECK((unpack_choice(item.choice, item.kind)->algorithm == Algorithm::arena) ==
        (tensor_count == 1024));
  for (std::size_t rank = 0; rank < arenas.memory.size(); ++rank) {
    std::fill(arenas.memory[rank].begin(), arenas.memory[rank].end(), static_cast<float>(rank + 1));
    item.segments.clear();
    for (std::size_t tensor = 0; tensor < tensor_count; ++tensor) {
      std::byte* memory = arenas.at(rank, tensor * kEach);
      item.segments.push_back({memory, memory, kEach});
    }
    world.planes[rank]->start(WorkItem(item));
  }
  REQUIRE(world.run(random));
  REQUIRE(world.all_completed_ok(1));
  const float expected = static_cast<float>(rank_count * (rank_count + 1)) / 2;
  for (const Floats& arena : arenas.memory) {
    CHECK(std::all_of(arena.begin(), arena.end(), [&](float value) { return value == expected; }));
  }
}

TEST_CASE("a rank that cannot tell its places yet sleeps until it can", "[engine]") {
  constexpr std::size_t kCount = 10;
  EngineWorld world(2, EngineWorld::forced("arena"));
  Arenas arenas(2, 2 * kCount);
  for (auto& transport : world.transports) {
    transport->share_arenas(arenas.map);
  }
  WorkShape shape{
      .kind = CollectiveKind::broadcast, .dtype = DType::float32, .element_count = kCount};
  std::vector<WorkItem> items = {world.item_of(shape), world.item_of(shape)};
  shape.kind = CollectiveKind::allreduce;
  shape.within_reach = true;
  items.push_back(world.item_of(shape));
  const auto start_all = [&](std::size_t rank) {
    for (WorkItem item : items) {
      item.segments = {{arenas.at(rank, 0), arenas.at(rank, 0), kCount}};
      world.planes[rank]->start(std::move(item));
    }
    while (world.planes[rank]->progress()) {
    }
    WorkCompletion completion;
    while (world.planes[rank]->take_completion(completion)) {
    }
  };
  // Rank 1 has read nothing of what fills both banks of rank 0.
  start_all(0);
  REQUIRE(world.planes[0]->busy());
  CHECK(world.planes[0]->prepare_sleep());
  start_all(1);
  CHECK_FALSE(world.planes[0]->prepare_sleep());
}

// All ranks of a job in the middle of an allreduce in the arena.
struct HalfDone {
  static constexpr std::size_t kCount = 1'200'000;
  EngineWorld world{3};
  Arenas arenas{3, kCount};
  HalfDone() {
    for (auto& transport : world.transports) {
      transport->share_arenas(arenas.map);
    }
    WorkItem item = world.item_of({.kind = CollectiveKind::allreduce,
                                   .dtype = DType::float32,
                                   .element_count = kCount,
                                   .within_reach = true});
    for (std::size_t rank = 0; rank < 3; ++rank) {
      std::fill(arenas.memory[rank].begin(), arenas.memory[rank].end(),
                static_cast<float>(rank + 1));
      item.segments = {{arenas.at(rank, 0), arenas.at(rank, 0), kCount}};
      world.planes[rank]->start(WorkItem(item));
      world.planes[rank]->progress();  // tells its places
    }
    for (const auto& plane : world.planes) {
      plane->progress();  // 256 KiB of its share of 1.6 MB
      REQUIRE(plane->busy());
    }
  }
  NativeDataPlane& plane(std::size_t rank) { return *world.planes[rank]; }
  void abort(std::size_t rank) { plane(rank).abort(error(StatusCode::aborted, "the end")); }
};

TEST_CASE("after an abort a tensor in the arena is given back once no rank touches it",
          "[engine]") {
  HalfDone job;
  job.abort(0);
  WorkCompletion completion;
  CHECK(job.plane(0).busy());
  CHECK_FALSE(job.plane(0).take_completion(completion));
  CHECK(job.plane(0).prepare_sleep());
  // Rank 2 has not heard of it, and writes its share of the result to the tensors of rank 0.
  while (job.plane(2).progress()) {
  }
  CHECK(job.arenas.memory[0].back() == 6.0F);
  job.abort(1);
  CHECK_FALSE(job.plane(0).progress());
  REQUIRE(job.plane(0).awaited().size() == 1);
  CHECK(job.plane(0).awaited()[0].rank == Rank{2});
  CHECK(job.plane(0).awaited()[0].label == "test tensor");
  job.abort(2);
  CHECK_FALSE(job.plane(0).prepare_sleep());
  CHECK(job.plane(0).progress());
  REQUIRE(job.plane(0).take_completion(completion));
  CHECK(completion.status.message() == "the end");
  CHECK_FALSE(job.plane(0).busy());
  for (const std::size_t rank : {std::size_t{1}, std::size_t{2}}) {  // and so everywhere
    job.plane(rank).progress();
    CHECK_FALSE(job.plane(rank).busy());
  }
}

TEST_CASE("an aborted operation that is abandoned ends at once", "[engine]") {
  HalfDone job;
  job.abort(0);
  REQUIRE(job.plane(0).busy());
  job.plane(0).abandon();
  CHECK_FALSE(job.plane(0).busy());
  CHECK(job.world.completions(Rank{0}).size() == 1);
}

}  // namespace
}  // namespace hvd
