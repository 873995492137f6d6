// collectives/verifier/piece_map.h: a vector of elements as few pieces of one value each.
// Not here: what the values are (contents.h, shared_accesses.h).
// Threads: one.  Limits: 64 bit element counts; as many pieces as ops have different boundaries.
// Read next: contents.h.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace hvd {

template <typename Value>
class PieceMap {
 public:
  struct Piece {
    std::uint64_t begin;
    Value value;
  };

  PieceMap() = default;
  PieceMap(std::uint64_t element_count, Value value) : element_count_(element_count) {
    if (element_count > 0) {
      pieces_.push_back(Piece{0, std::move(value)});
    }
  }

  std::uint64_t element_count() const { return element_count_; }
  std::size_t size() const { return pieces_.size(); }
  Piece& operator[](std::size_t i) { return pieces_[i]; }
  const Piece& operator[](std::size_t i) const { return pieces_[i]; }
  std::uint64_t end_of(std::size_t i) const {
    return i + 1 < pieces_.size() ? pieces_[i + 1].begin : element_count_;
  }

  // The piece that holds an element.
  std::size_t find(std::uint64_t element) const {
    const auto after =
        std::upper_bound(pieces_.begin(), pieces_.end(), element,
                         [](std::uint64_t at, const Piece& piece) { return at < piece.begin; });
    return static_cast<std::size_t>(after - pieces_.begin()) - 1;
  }

  // Makes a piece begin at an element and returns its index; size() for the vector's end.
  std::size_t split(std::uint64_t element) {
    if (element == element_count_) {
      return pieces_.size();
    }
    const std::size_t i = find(element);
    if (pieces_[i].begin == element) {
      return i;
    }
    // Not insert(): gcc 12 sees an access out of bounds in it where the size is known to be 1.
    pieces_.push_back(Piece{element, pieces_[i].value});
    std::rotate(pieces_.begin() + static_cast<std::ptrdiff_t>(i) + 1, pieces_.end() - 1,
                pieces_.end());
    return i + 1;
  }

  // Puts other pieces in place of [begin, end), which is not empty; the first of them begins at
  // `begin`. Neighbours with equal values become one.
  void replace(std::uint64_t begin, std::uint64_t end, const std::vector<Piece>& by) {
    std::size_t first = find(begin);
    std::size_t last = find(end - 1);
    const std::uint64_t last_end = end_of(last);
    replacement_.clear();
    if (pieces_[first].begin < begin) {
      replacement_.push_back(pieces_[first]);
    } else if (first > 0) {
      replacement_.push_back(pieces_[--first]);
    }
    for (const Piece& piece : by) {
      append(piece);
    }
    if (last_end > end) {
      append(Piece{end, pieces_[last].value});
    } else if (last + 1 < pieces_.size()) {
      append(pieces_[++last]);
    }
    splice(first, last + 1);
  }

 private:
  void append(const Piece& piece) {
    if (replacement_.empty() || !(replacement_.back().value == piece.value)) {
      replacement_.push_back(piece);
    }
  }

  void splice(std::size_t first, std::size_t last) {
    const auto at = [this](std::size_t i) {
      return pieces_.begin() + static_cast<std::ptrdiff_t>(i);
    };
    const std::size_t common = std::min(last - first, replacement_.size());
    std::copy_n(replacement_.begin(), common, at(first));
    if (replacement_.size() > common) {
      pieces_.insert(at(last), replacement_.begin() + static_cast<std::ptrdiff_t>(common),
                     replacement_.end());
    } else {
      pieces_.erase(at(first + common), at(last));
    }
  }

  std::uint64_t element_count_ = 0;
  std::vector<Piece> pieces_;
  std::vector<Piece> replacement_;  // working space of replace()
};

}  // namespace hvd
