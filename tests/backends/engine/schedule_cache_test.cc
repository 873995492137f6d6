#include "backends/engine/schedule_cache.h"

#include "tests/catch.h"

namespace hvd {
namespace {

ScheduleKey key_of(std::uint64_t element_count) {
  ScheduleKey key;
  key.kind = CollectiveKind::allreduce;
  key.params.element_count = element_count;
  return key;
}

std::shared_ptr<const PlacedSchedule> schedule_of(std::size_t op_count) {
  Schedule schedule;
  schedule.ops.resize(op_count);
  return std::make_shared<const PlacedSchedule>(PlacedSchedule{std::move(schedule), {}, {}});
}

TEST_CASE("a schedule is found again under its own key only", "[engine]") {
  ScheduleCache cache;
  const auto schedule = schedule_of(3);
  const ScheduleKey key = key_of(10);
  CHECK(cache.find(key) == nullptr);
  cache.insert(key, schedule);
  CHECK(cache.find(key) == schedule);

  ScheduleKey other = key;
  SECTION("kind") { other.kind = CollectiveKind::broadcast; }
  SECTION("dtype") { other.dtype = DType::float64; }
  SECTION("choice") { other.choice = 1; }
  SECTION("root") { other.params.root = Rank{1}; }
  SECTION("element count") { other.params.element_count = 11; }
  SECTION("gather counts") { other.params.counts = {1}; }
  SECTION("in place") { other.params.in_place = true; }
  SECTION("prescale") { other.params.prescale = true; }
  SECTION("postscale") { other.params.postscale = true; }
  SECTION("group") { other.group = 1; }
  SECTION("send counts") { other.params.send_counts = {1}; }
  SECTION("peer") { other.params.peer = Rank{1}; }
  CHECK(cache.find(other) == nullptr);
}

TEST_CASE("the schedule that was not asked for longest goes first", "[engine]") {
  ScheduleCache cache;
  const std::size_t op_count = ScheduleCache::kCachedOpCountMax / 4;
  for (std::uint64_t i = 0; i < 4; ++i) {
    cache.insert(key_of(i), schedule_of(op_count));
  }
  CHECK(cache.find(key_of(0)) != nullptr);
  cache.insert(key_of(4), schedule_of(op_count));
  CHECK(cache.find(key_of(0)) != nullptr);
  CHECK(cache.find(key_of(1)) == nullptr);
  CHECK(cache.size() == 4);
}

TEST_CASE("the cache keeps to its limits", "[engine]") {
  ScheduleCache cache;
  for (std::uint64_t i = 0; i < 2 * ScheduleCache::kScheduleCountMax; ++i) {
    cache.insert(key_of(i), schedule_of(1));
  }
  CHECK(cache.size() == ScheduleCache::kScheduleCountMax);
  cache.insert(key_of(1 << 20), schedule_of(ScheduleCache::kCachedOpCountMax + 1));
  CHECK(cache.size() == ScheduleCache::kScheduleCountMax);
  CHECK(cache.find(key_of(1 << 20)) == nullptr);
}

TEST_CASE("a second insert under one key replaces the first", "[engine]") {
  ScheduleCache cache;
  cache.insert(key_of(1), schedule_of(1));
  const auto second = schedule_of(2);
  cache.insert(key_of(1), second);
  CHECK(cache.find(key_of(1)) == second);
  CHECK(cache.size() == 1);
}

}  // namespace
}  // namespace hvd
