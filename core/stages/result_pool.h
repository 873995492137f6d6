// core/stages/result_pool.h: memory for results, which comes back here to be used again.
// Not here: what is put into it (dispatcher.h).
// Threads: any.  Limits: keeps kKeptBytesMax of what nobody uses; what is given out has no limit.
// Read next: operation.h.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "core/base/mutex.h"

namespace hvd {

// New memory costs a page fault every 4 KiB: of an allgather of 1 MiB more than half of the time.
class ResultPool : public std::enable_shared_from_this<ResultPool> {
 public:
  static constexpr std::size_t kKeptBytesMax = std::size_t{64} << 20;
  // Below this the C library has memory at hand itself.
  static constexpr std::size_t kPooledBytesMin = std::size_t{64} << 10;

  struct GiveBack {
    std::shared_ptr<ResultPool> pool;  // null: to the C library
    std::size_t capacity = 0;
    void operator()(std::byte* memory) const;
  };
  using Bytes = std::unique_ptr<std::byte, GiveBack>;

  static std::shared_ptr<ResultPool> create() {
    return std::shared_ptr<ResultPool>(new ResultPool());
  }
  ~ResultPool();
  ResultPool(const ResultPool&) = delete;
  ResultPool& operator=(const ResultPool&) = delete;

  // At least `bytes`, with anything in them; null where there is no memory.
  Bytes take(std::size_t bytes) HVD_EXCLUDES(mutex_);
  std::size_t kept_bytes() const HVD_EXCLUDES(mutex_);

 private:
  struct Kept {
    std::byte* memory;
    std::size_t capacity;
  };
  ResultPool() = default;
  void give_back(std::byte* memory, std::size_t capacity) HVD_EXCLUDES(mutex_);

  mutable Mutex mutex_;
  std::vector<Kept> kept_ HVD_GUARDED_BY(mutex_);  // the longest unused first
  std::size_t kept_bytes_ HVD_GUARDED_BY(mutex_) = 0;
};

}  // namespace hvd
