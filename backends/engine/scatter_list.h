// backends/engine/scatter_list.h: pieces of memory as one vector of elements, walked piece by
// piece. Not here: which pieces (execution.cc builds the lists from a WorkItem). Threads: a list
// and its cursors belong to one thread.  Limits: none. Read next: execution.h,
// tests/backends/engine/scatter_list_test.cc.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/check.h"

namespace hvd {

// Where a range of elements starts, and how to go on from there: over pieces of one ScatterList or
// over contiguous memory.
class PieceCursor {
 public:
  struct Piece {
    std::byte* data = nullptr;
    std::size_t end = 0;  // elements of this and all earlier pieces together
  };

  PieceCursor(std::byte* contiguous, std::size_t element_bytes)
      : element_bytes_(element_bytes), data_(contiguous), run_(~std::size_t{0}) {}
  PieceCursor(const Piece* piece, std::size_t skip, std::size_t run, std::size_t element_bytes)
      : piece_(piece), element_bytes_(element_bytes), data_(nullptr), run_(run) {
    data_ = skip == 0 ? piece->data : piece->data + skip * element_bytes;
  }

  std::byte* data() const { return data_; }
  // Elements that lie here in one stretch; never 0 while elements are left.
  std::size_t run() const { return run_; }
  // Goes `count` <= run() elements on. May only be followed by data() if elements are left.
  void advance(std::size_t count) {
    run_ -= count;
    if (run_ > 0) {
      data_ += count * element_bytes_;
    } else {
      ended_ = piece_;
    }
  }
  // The next piece, lazily: after the last element of the last piece there is none.
  void settle() {
    if (ended_ != nullptr) {
      piece_ = ended_ + 1;
      data_ = piece_->data;
      run_ = piece_->end - ended_->end;
      ended_ = nullptr;
    }
  }

 private:
  const Piece* piece_ = nullptr;  // none: contiguous memory
  std::size_t element_bytes_;
  std::byte* data_;
  std::size_t run_;
  const Piece* ended_ = nullptr;  // the one that was walked to its end, if any
};

class ScatterList {
 public:
  void clear(std::size_t element_bytes) {
    pieces_.clear();
    element_bytes_ = element_bytes;
  }
  // Empty pieces leave no trace.
  void append(std::byte* data, std::size_t element_count) {
    if (element_count > 0) {
      pieces_.push_back({.data = data, .end = size() + element_count});
    }
  }
  std::size_t size() const { return pieces_.empty() ? 0 : pieces_.back().end; }

  // A cursor for `count` > 0 elements from `offset` on.
  PieceCursor at(std::size_t offset, std::size_t count) const {
    HVD_CHECK(count > 0 && offset < size() && count <= size() - offset);
    const auto piece =
        std::upper_bound(pieces_.begin(), pieces_.end(), offset,
                         [](std::size_t value, const auto& p) { return value < p.end; });
    const std::size_t begin = piece == pieces_.begin() ? 0 : std::prev(piece)->end;
    return PieceCursor(&*piece, offset - begin, piece->end - offset, element_bytes_);
  }

 private:
  std::vector<PieceCursor::Piece> pieces_;  // none of them empty
  std::size_t element_bytes_ = 1;
};

// Calls act(data_a, data_b, …, n) for stretches that are contiguous under all cursors, in order,
// `count` elements in all.
template <typename Act, typename... Cursors>
void walk_pieces(std::size_t count, Act&& act, Cursors... cursors) {
  while (count > 0) {
    (cursors.settle(), ...);
    const std::size_t run = std::min({count, cursors.run()...});
    act(cursors.data()..., run);
    (cursors.advance(run), ...);
    count -= run;
  }
}

}  // namespace hvd
