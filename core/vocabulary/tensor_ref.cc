#include "core/vocabulary/tensor_ref.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/base/str.h"

namespace hvd {

Shape::Shape(std::span<const std::int64_t> sizes)
    : dimension_count_(static_cast<int>(sizes.size())) {
  HVD_CHECK(sizes.size() <= static_cast<std::size_t>(kDimensionCountMax));
  std::copy(sizes.begin(), sizes.end(), sizes_.begin());
}

bool Shape::countable() const {
  constexpr std::uint64_t most = std::uint64_t{1} << 56;
  unsigned __int128 count = 1;
  bool empty = false;
  for (const std::int64_t size : sizes()) {
    if (size < 0) {
      return false;
    }
    empty = empty || size == 0;
    count = std::min<unsigned __int128>(count * static_cast<std::uint64_t>(size == 0 ? 1 : size),
                                        static_cast<unsigned __int128>(most) + 1);
  }
  return empty || count <= most;
}

std::size_t Shape::element_count() const {
  std::size_t count = 1;
  for (const std::int64_t size : sizes()) {
    count *= static_cast<std::size_t>(size);
  }
  return count;
}

std::size_t Shape::row_element_count() const {
  std::size_t count = 1;
  for (int d = 1; d < dimension_count_; ++d) {
    count *= static_cast<std::size_t>((*this)[d]);
  }
  return count;
}

std::string Shape::text() const {
  std::string text;
  for (const std::int64_t size : sizes()) {
    text += str(text.empty() ? "" : " ", size);
  }
  return str("[", text, "]");
}

bool operator==(const Shape& a, const Shape& b) {
  return std::equal(a.sizes().begin(), a.sizes().end(), b.sizes().begin(), b.sizes().end());
}

}  // namespace hvd
