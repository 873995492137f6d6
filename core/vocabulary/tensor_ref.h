// core/vocabulary/tensor_ref.h: a borrowed tensor: where its bytes lie, their type and shape.
// Not here: ownership; the binding keeps the owner alive until the handle is released.
// Threads: values.  Limits: 8 dimensions; contiguous row-major memory on the host.
// Read next: request.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "core/vocabulary/dtype.h"

namespace hvd {

inline constexpr int kDimensionCountMax = 8;

// Sizes of a tensor's dimensions; no dimension at all is a scalar with one element.
class Shape {
 public:
  Shape() = default;
  explicit Shape(std::span<const std::int64_t> sizes);  // sizes.size() <= kDimensionCountMax

  int dimension_count() const { return dimension_count_; }
  std::int64_t operator[](int dimension) const {
    return sizes_[static_cast<std::size_t>(dimension)];
  }
  void set(int dimension, std::int64_t size) { sizes_[static_cast<std::size_t>(dimension)] = size; }
  std::span<const std::int64_t> sizes() const {
    return {sizes_.data(), static_cast<std::size_t>(dimension_count_)};
  }
  // No dimension is negative and the element count is at most 2^56, so that bytes fit in 63 bits.
  bool countable() const;
  std::size_t element_count() const;  // of a countable shape
  // Elements of one row: the product of all dimensions but the first. 1 for 0-d and 1-d.
  std::size_t row_element_count() const;
  std::string text() const;  // "[3 4]"
  friend bool operator==(const Shape& a, const Shape& b);

 private:
  std::array<std::int64_t, kDimensionCountMax> sizes_{};
  int dimension_count_ = 0;
};

struct TensorRef {
  std::byte* data = nullptr;  // may be null only where the element count is 0
  DType dtype = DType::float32;
  Shape shape;

  std::size_t element_count() const { return shape.element_count(); }
  std::size_t byte_count() const { return element_count() * dtype_bytes(dtype); }
};

}  // namespace hvd
