// In steady state nothing is allocated between start() and the completion.
#include <cstdlib>
#include <new>

#include "tests/backends/engine/engine_world.h"

namespace {
thread_local std::size_t allocation_count = 0;

void* counted(std::size_t bytes) {
  ++allocation_count;
  void* memory = std::malloc(bytes);  // NOLINT: this is the allocator
  if (memory == nullptr) {
    throw std::bad_alloc();
  }
  return memory;
}
}  // namespace

void* operator new(std::size_t bytes) { return counted(bytes); }
void* operator new[](std::size_t bytes) { return counted(bytes); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace hvd {
namespace {

TEST_CASE("an item of a shape that came before allocates nothing", "[engine]") {
  constexpr int kRankCount = 3;
  constexpr std::size_t kSize = 20'000;
  EngineWorld world(kRankCount);
  std::vector<std::vector<float>> values(kRankCount, std::vector<float>(2 * kSize, 1.0F));
  for (int round = 0; round < 6; ++round) {
    std::vector<WorkItem> items;
    for (std::size_t rank = 0; rank < kRankCount; ++rank) {
      for (std::uint64_t i = 0; i < 3; ++i) {
        WorkItem& item = items.emplace_back();
        item.id = static_cast<std::uint64_t>(round) * 3 + i;
        item.kind = CollectiveKind::allreduce;
        item.dtype = DType::float32;
        item.label = "a tensor whose name does not fit into the string itself";
        auto* bytes = reinterpret_cast<std::byte*>(values[rank].data());
        item.segments = {{bytes, bytes, kSize / 2}, {bytes + 4 * kSize, bytes + 4 * kSize, kSize}};
        item.choice = world.planes[0]->choose(
            {.kind = item.kind, .dtype = item.dtype, .element_count = kSize / 2 + kSize});
      }
    }
    const std::size_t before = allocation_count;
    bool moved = true;
    int completed = 0;
    for (std::size_t i = 0; i < items.size(); ++i) {
      world.planes[i / 3]->start(std::move(items[i]));
    }
    while (moved) {
      moved = false;
      for (auto& plane : world.planes) {
        moved = plane->progress() || moved;
        WorkCompletion completion;
        while (plane->take_completion(completion)) {
          completed += completion.status.ok() ? 1 : 0;
        }
      }
    }
    const std::size_t allocations = allocation_count - before;
    CHECK(completed == 3 * kRankCount);
    if (round == 0) {
      CHECK(allocations > 0);  // so the counter counts
    } else {
      CHECK(allocations == 0);
    }
  }
}

}  // namespace
}  // namespace hvd
