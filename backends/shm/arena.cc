#include "backends/shm/arena.h"

#include <iterator>
#include <utility>

#include "backends/shm/ring.h"

namespace hvd {
namespace {

std::size_t rounded_up(std::size_t bytes, std::size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

}  // namespace

Result<std::shared_ptr<Arena>> Arena::create(std::size_t capacity_bytes) {
  const std::size_t capacity = std::max(rounded_up(capacity_bytes, kRingPageBytes), kRingPageBytes);
  HVD_ASSIGN(Segment segment, Segment::create(capacity), "the arena, see HVD_ARENA_BYTES");
  return std::shared_ptr<Arena>(new Arena(std::move(segment)));
}

Arena::Arena(Segment segment) : segment_(std::move(segment)) { free_[0] = segment_.size(); }

Result<std::byte*> Arena::allocate(std::size_t bytes) {
  MutexLock lock(mutex_);
  std::size_t largest = 0;
  for (auto block = free_.begin(); block != free_.end(); ++block) {
    const auto [offset, size] = *block;
    largest = std::max(largest, size);
    if (bytes > size || rounded_up(std::max(bytes, std::size_t{1}), kAlignment) > size) {
      continue;
    }
    const std::size_t taken = rounded_up(std::max(bytes, std::size_t{1}), kAlignment);
    free_.erase(block);
    if (taken < size) {
      free_[offset + taken] = size - taken;
    }
    used_[offset] = {.bytes = taken};
    return segment_.data() + offset;
  }
  return error(StatusCode::resource, "the arena has no ", bytes,
               " bytes in one piece: the largest free one has ", largest, " of ", segment_.size(),
               ". raise HVD_ARENA_BYTES, or release tensors that are no longer used");
}

Status Arena::release(const std::byte* memory) {
  MutexLock lock(mutex_);
  const bool inside = contains(memory, 0);
  const auto block =
      inside ? used_.find(static_cast<std::size_t>(memory - segment_.data())) : used_.end();
  if (block == used_.end()) {
    return error(
        StatusCode::invalid_argument, "address ", static_cast<const void*>(memory),
        inside ? " is not the start of a block that the arena gave out" : " is not in the arena",
        ", or was released before");
  }
  const auto [offset, given] = *block;
  used_.erase(block);
  if (!given.kept) {
    give_back(offset, given.bytes);
  }
  return ok_status();
}

void Arena::keep(const std::byte* memory, std::size_t bytes) {
  MutexLock lock(mutex_);
  if (bytes == 0 || !contains(memory, bytes)) {
    return;
  }
  const auto first = static_cast<std::size_t>(memory - segment_.data());
  const std::size_t begin = first / kAlignment * kAlignment;
  const std::size_t end = rounded_up(first + bytes, kAlignment);
  for (auto& [offset, block] : used_) {
    block.kept = block.kept || (offset < end && offset + block.bytes > begin);
  }
  take_out_free(begin, end);
}

void Arena::take_out_free(std::size_t begin, std::size_t end) {
  for (auto block = free_.begin(); block != free_.end();) {
    const auto [offset, bytes] = *block;
    if (offset >= end || offset + bytes <= begin) {
      ++block;
      continue;
    }
    block = free_.erase(block);
    if (offset < begin) {
      free_[offset] = begin - offset;
    }
    if (offset + bytes > end) {
      block = std::next(free_.emplace(end, offset + bytes - end).first);
    }
  }
}

void Arena::give_back(std::size_t offset, std::size_t bytes) {
  auto next = free_.lower_bound(offset);
  if (next != free_.end() && next->first == offset + bytes) {
    bytes += next->second;
    next = free_.erase(next);
  }
  if (next != free_.begin()) {
    const auto before = std::prev(next);
    if (before->first + before->second == offset) {
      before->second += bytes;
      return;
    }
  }
  free_[offset] = bytes;
}

}  // namespace hvd
