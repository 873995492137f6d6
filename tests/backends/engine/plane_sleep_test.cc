// Ranks on threads of their own that sleep whenever they have nothing to do: no wake-up is lost.
#include <atomic>

#include "backends/engine/native_data_plane.h"
#include "core/base/thread.h"
#include "tests/backends/engine/drive.h"
#include "tests/backends/engine/engine_world.h"

namespace hvd {
namespace {

TEST_CASE("ranks that sleep between chunks are woken for each one", "[engine]") {
  constexpr std::size_t kItemCount = 60;
  for (const int rank_count : {2, 3, 4}) {
    EngineWorld world(rank_count, EngineWorld::default_config(),
                      {.slot_bytes = 4096, .slot_count = 2});
    std::vector<WorkItem> items;
    std::vector<std::size_t> sizes;
    Random random(52);
    for (std::size_t i = 0; i < kItemCount; ++i) {
      sizes.push_back(random.below(2) == 0 ? 3 : 8'000);
      items.push_back(world.item_of({.kind = CollectiveKind::allreduce,
                                     .dtype = DType::float32,
                                     .element_count = sizes.back()}));
    }
    std::atomic<int> wrong = 0;
    std::vector<Thread> threads;
    threads.reserve(static_cast<std::size_t>(rank_count));
    for (int rank = 0; rank < rank_count; ++rank) {
      threads.emplace_back("rank", [&, rank] {
        const auto idle = world.world.make_idle(Rank{rank});
        NativeDataPlane& plane = *world.planes[static_cast<std::size_t>(rank)];
        std::vector<float> values;
        const auto expected = static_cast<float>(rank_count * (rank_count + 1)) / 2;
        for (std::size_t i = 0; i < kItemCount; ++i) {
          values.assign(sizes[i], static_cast<float>(rank + 1));
          auto* bytes = reinterpret_cast<std::byte*>(values.data());
          WorkItem mine = items[i];
          mine.segments = {{bytes, bytes, sizes[i]}};
          plane.start(std::move(mine));
          drive(plane, *idle);
          WorkCompletion completion;
          const bool right = plane.take_completion(completion) && completion.status.ok() &&
                             values == std::vector<float>(sizes[i], expected);
          wrong += right ? 0 : 1;
        }
      });
    }
    threads.clear();
    CHECK(wrong == 0);
  }
}

TEST_CASE("a plane with something to do does not sleep", "[engine]") {
  EngineWorld world(2);
  NativeDataPlane& plane = *world.planes[0];
  const WorkItem item = world.item_of({.kind = CollectiveKind::barrier});
  CHECK(plane.prepare_sleep());
  plane.end_sleep();
  plane.start(item);
  CHECK_FALSE(plane.prepare_sleep());
  while (plane.progress()) {
  }
  CHECK(plane.prepare_sleep());
  plane.end_sleep();
  world.planes[1]->start(item);
  while (world.planes[1]->progress()) {
  }
  CHECK_FALSE(plane.prepare_sleep());
  while (plane.progress()) {
  }
  CHECK_FALSE(plane.prepare_sleep());  // a completion waits to be taken
  WorkCompletion completion;
  CHECK(plane.take_completion(completion));
  CHECK(plane.prepare_sleep());
}

TEST_CASE("a rank is rung only while it has announced its sleep", "[engine]") {
  EngineWorld world(2);
  const auto idle = world.world.make_idle(Rank{0});
  const WorkItem item = world.item_of({.kind = CollectiveKind::barrier});
  for (const bool asleep : {false, true}) {
    for (auto& plane : world.planes) {
      plane->start(item);
    }
    while (world.planes[0]->progress()) {
    }
    if (asleep) {
      REQUIRE(world.planes[0]->prepare_sleep());
    }
    while (world.planes[1]->progress()) {
    }
    CHECK(idle->poll() == asleep);
    world.planes[0]->end_sleep();
    while (world.planes[0]->progress()) {
    }
    CHECK(world.all_completed_ok(1));
  }
}

}  // namespace
}  // namespace hvd
