// backends/engine/schedule_cache.h: schedules of shapes that came before, so that steady state
// makes none. Not here: making them (collectives/), what the shape of an item is
// (native_data_plane.cc). Threads: baton holder only.  Limits: kScheduleCountMax schedules,
// kCachedOpCountMax ops in all. Read next: collectives/schedule_params.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <unordered_map>

#include "backends/engine/placed_schedule.h"
#include "collectives/schedule_params.h"
#include "core/vocabulary/work_item.h"

namespace hvd {

// All that a schedule depends on. Of params what follows from the choice, the dtype, the group and
// the transport is left out.
struct ScheduleKey {
  CollectiveKind kind = CollectiveKind::barrier;
  DType dtype = DType::uint8;
  ScheduleChoice choice = 0;
  std::uint64_t group = 0;  // id
  ScheduleParams params;
  friend bool operator==(const ScheduleKey& a, const ScheduleKey& b);
};

class ScheduleCache {
 public:
  static constexpr std::size_t kScheduleCountMax = 1024;
  static constexpr std::size_t kCachedOpCountMax = std::size_t{256} << 10;  // 10 MiB of ops

  // Null if there is none.
  std::shared_ptr<const PlacedSchedule> find(const ScheduleKey& key);
  // Puts out the ones that were not asked for longest; one that alone exceeds the limit is not
  // kept. The caller's copy stays valid whatever is
  // put out later.
  void insert(const ScheduleKey& key, std::shared_ptr<const PlacedSchedule> schedule);
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::uint64_t hash = 0;
    ScheduleKey key;
    std::shared_ptr<const PlacedSchedule> schedule;
  };
  void drop_oldest();

  std::list<Entry> entries_;  // most recently used first
  // By hash of the key. Two keys of one hash put each other out.
  std::unordered_map<std::uint64_t, std::list<Entry>::iterator> by_hash_;
  std::size_t op_count_ = 0;
};

}  // namespace hvd
