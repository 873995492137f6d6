// core/base/reused_list.h: a list that keeps its elements when it is cleared, and with them the
// memory that they hold. Not here: queues (fifo.h), maps (reused_map.h).
// Threads: one.  Limits: none; it keeps as many elements as it ever had.
// Read next: reused_map.h.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace hvd {

// A std::vector destroys its elements on clear(): each string and vector in them is allocated anew.
template <typename T>
class ReusedList {
 public:
  // One more, as whoever had it last left it: the caller sets all of it.
  T& add() {
    if (size_ == items_.size()) {
      items_.emplace_back();
    }
    return items_[size_++];
  }
  void clear() { size_ = 0; }
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  T* begin() { return items_.data(); }
  T* end() { return items_.data() + size_; }
  const T* begin() const { return items_.data(); }
  const T* end() const { return items_.data() + size_; }
  T& operator[](std::size_t index) { return items_[index]; }
  const T& operator[](std::size_t index) const { return items_[index]; }

  // Those behind move up.
  void drop_front(std::size_t count) {
    std::rotate(begin(), begin() + count, end());
    size_ -= count;
  }
  void swap(ReusedList& other) noexcept {
    items_.swap(other.items_);
    std::swap(size_, other.size_);
  }

 private:
  std::vector<T> items_;  // those from size_ on are kept for add()
  std::size_t size_ = 0;
};

}  // namespace hvd
