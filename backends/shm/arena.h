// backends/shm/arena.h: memory for tensors that the other ranks of the host can reach.
// Not here: how they get it (domain.h), what is done with it there (engine/peer_tensors.h).
// Threads: any.  Limits: a capacity fixed when it is made; memory is backed when it is touched.
// Read next: tests/backends/shm/arena_test.cc.
#pragma once

#include <cstddef>
#include <map>
#include <memory>

#include "backends/shm/segment.h"
#include "core/base/mutex.h"

namespace hvd {

class Arena {
 public:
  static constexpr std::size_t kAlignment = 128;  // two lines, so that neighbours do not share any

  // A multiple of the page size is reserved, none of it backed by memory yet.
  static Result<std::shared_ptr<Arena>> create(std::size_t capacity_bytes);

  // First fit. Zero bytes take one unit of kAlignment, so that every result can be released.
  Result<std::byte*> allocate(std::size_t bytes) HVD_EXCLUDES(mutex_);
  // Refuses what allocate() did not give, or what was released already. The pages stay backed: the
  // next tensor of this size finds them touched.
  Status release(const std::byte* memory) HVD_EXCLUDES(mutex_);
  // Another rank may write to these bytes at any time: the blocks that they lie in, given out or
  // free, are not given out again. Whoever has such a block may go on with it and release it.
  void keep(const std::byte* memory, std::size_t bytes) HVD_EXCLUDES(mutex_);

  bool contains(const std::byte* memory, std::size_t bytes) const {
    return memory >= segment_.data() && memory <= segment_.data() + segment_.size() &&
           bytes <= static_cast<std::size_t>(segment_.data() + segment_.size() - memory);
  }
  const Segment& segment() const { return segment_; }

 private:
  explicit Arena(Segment segment);
  struct Block {
    std::size_t bytes = 0;
    bool kept = false;
  };
  void give_back(std::size_t offset, std::size_t bytes) HVD_REQUIRES(mutex_);
  void take_out_free(std::size_t begin, std::size_t end) HVD_REQUIRES(mutex_);

  const Segment segment_;
  mutable Mutex mutex_;
  std::map<std::size_t, std::size_t> free_ HVD_GUARDED_BY(mutex_);  // offset -> bytes, not adjacent
  std::map<std::size_t, Block> used_ HVD_GUARDED_BY(mutex_);
};

}  // namespace hvd
