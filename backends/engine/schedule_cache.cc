#include "backends/engine/schedule_cache.h"

#include <iterator>
#include <utility>

namespace hvd {
namespace {

// splitmix64's finaliser: every bit of the input reaches every bit of the result.
std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
  hash = (hash ^ value) + 0x9e3779b97f4a7c15;
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111eb;
  return hash ^ (hash >> 31);
}

std::uint64_t hash_of(const ScheduleKey& key) {
  const ScheduleParams& params = key.params;
  const std::uint64_t switches = (params.in_place ? 1U : 0U) | (params.prescale ? 2U : 0U) |
                                 (params.postscale ? 4U : 0U) | (params.in_arena ? 8U : 0U) |
                                 (static_cast<std::uint64_t>(key.kind) << 8) |
                                 (static_cast<std::uint64_t>(key.dtype) << 16);
  std::uint64_t hash = mix(switches, key.choice);
  hash = mix(hash, params.element_count);
  hash = mix(hash, static_cast<std::uint64_t>(params.root.value));
  hash = mix(hash, static_cast<std::uint64_t>(params.peer.value));
  hash = mix(hash, key.group);
  for (const std::uint64_t count : params.counts) {
    hash = mix(hash, count);
  }
  for (const std::uint64_t count : params.send_counts) {
    hash = mix(hash, count);
  }
  return hash;
}

}  // namespace

bool operator==(const ScheduleKey& a, const ScheduleKey& b) {
  return a.kind == b.kind && a.dtype == b.dtype && a.choice == b.choice && a.group == b.group &&
         a.params.element_count == b.params.element_count && a.params.root == b.params.root &&
         a.params.peer == b.params.peer && a.params.in_place == b.params.in_place &&
         a.params.in_arena == b.params.in_arena && a.params.prescale == b.params.prescale &&
         a.params.postscale == b.params.postscale && a.params.counts == b.params.counts &&
         a.params.send_counts == b.params.send_counts;
}

std::shared_ptr<const PlacedSchedule> ScheduleCache::find(const ScheduleKey& key) {
  const auto found = by_hash_.find(hash_of(key));
  if (found == by_hash_.end() || !(found->second->key == key)) {
    return nullptr;
  }
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->schedule;
}

void ScheduleCache::insert(const ScheduleKey& key, std::shared_ptr<const PlacedSchedule> schedule) {
  const std::uint64_t hash = hash_of(key);
  if (const auto same = by_hash_.find(hash); same != by_hash_.end()) {
    entries_.splice(entries_.end(), entries_, same->second);
    drop_oldest();
  }
  const std::size_t op_count = schedule->schedule.ops.size();
  if (op_count > kCachedOpCountMax) {
    return;
  }
  while (!entries_.empty() &&
         (entries_.size() >= kScheduleCountMax || op_count_ + op_count > kCachedOpCountMax)) {
    drop_oldest();
  }
  op_count_ += op_count;
  entries_.push_front({.hash = hash, .key = key, .schedule = std::move(schedule)});
  by_hash_[hash] = entries_.begin();
}

void ScheduleCache::drop_oldest() {
  op_count_ -= entries_.back().schedule->schedule.ops.size();
  by_hash_.erase(entries_.back().hash);
  entries_.pop_back();
}

}  // namespace hvd
