#include "core/stages/result_pool.h"

#include <algorithm>
#include <cstdlib>
#include <limits>

namespace hvd {
namespace {

constexpr std::size_t kLineBytes = 64;

// Of what is not used again soon, this much of each result may be lost.
constexpr std::size_t slack_of(std::size_t bytes) { return bytes / 4; }

}  // namespace

void ResultPool::GiveBack::operator()(std::byte* memory) const {
  if (pool == nullptr) {
    std::free(memory);
  } else {
    pool->give_back(memory, capacity);
  }
}

ResultPool::~ResultPool() {
  for (const Kept& kept : kept_) {
    std::free(kept.memory);
  }
}

ResultPool::Bytes ResultPool::take(std::size_t bytes) {
  if (bytes < kPooledBytesMin) {
    return {static_cast<std::byte*>(std::malloc(std::max<std::size_t>(bytes, 1))), {}};
  }
  {
    MutexLock lock(mutex_);
    auto best = kept_.end();
    for (auto kept = kept_.begin(); kept != kept_.end(); ++kept) {
      if (kept->capacity >= bytes && kept->capacity - bytes <= slack_of(bytes) &&
          (best == kept_.end() || kept->capacity <= best->capacity)) {
        best = kept;
      }
    }
    if (best != kept_.end()) {
      const Kept found = *best;
      kept_.erase(best);
      kept_bytes_ -= found.capacity;
      return {found.memory, {shared_from_this(), found.capacity}};
    }
  }
  if (bytes > std::numeric_limits<std::size_t>::max() - kLineBytes) {
    return {nullptr, {}};
  }
  const std::size_t capacity = (bytes + kLineBytes - 1) / kLineBytes * kLineBytes;
  return {static_cast<std::byte*>(std::aligned_alloc(kLineBytes, capacity)),
          {shared_from_this(), capacity}};
}

void ResultPool::give_back(std::byte* memory, std::size_t capacity) {
  std::vector<Kept> dropped;
  {
    MutexLock lock(mutex_);
    kept_.push_back({memory, capacity});
    kept_bytes_ += capacity;
    while (kept_bytes_ > kKeptBytesMax) {
      dropped.push_back(kept_.front());
      kept_bytes_ -= kept_.front().capacity;
      kept_.erase(kept_.begin());
    }
  }
  for (const Kept& kept : dropped) {
    std::free(kept.memory);
  }
}

std::size_t ResultPool::kept_bytes() const {
  MutexLock lock(mutex_);
  return kept_bytes_;
}

}  // namespace hvd
