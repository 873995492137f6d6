// core/base/fifo.h: a queue that stops allocating once it has been as long as it gets.
// Not here: queues between threads.
// Threads: one.  Limits: none.
// Read next: reused_list.h.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace hvd {

// std::deque allocates and frees a block every few elements, however short it stays.
template <typename T>
class Fifo {
 public:
  bool empty() const { return head_ == items_.size(); }
  void push(T item) { items_.push_back(std::move(item)); }
  T pop() {
    T item = std::move(items_[head_++]);
    if (empty()) {
      clear();
    } else if (head_ > items_.size() / 2) {
      items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(head_));
      head_ = 0;
    }
    return item;
  }
  const T* begin() const { return items_.data() + head_; }
  const T* end() const { return items_.data() + items_.size(); }
  void clear() {
    items_.clear();
    head_ = 0;
  }

 private:
  std::vector<T> items_;
  std::size_t head_ = 0;
};

}  // namespace hvd
