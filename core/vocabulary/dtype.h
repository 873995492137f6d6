// core/vocabulary/dtype.h: the element types that tensors can have.
// Not here: arithmetic on them (collectives/kernels).
// Threads: pure functions.  Limits: the numbers are part of the C ABI and of the wire.
// Read next: reduce_op.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace hvd {

// 0..9 as in Horovod's wire format; bfloat16 follows.
enum class DType : std::uint8_t {
  uint8 = 0,
  int8 = 1,
  uint16 = 2,
  int16 = 3,
  int32 = 4,
  int64 = 5,
  float16 = 6,
  float32 = 7,
  float64 = 8,
  boolean = 9,
  bfloat16 = 10,
};
inline constexpr int kDTypeCount = 11;

constexpr bool valid_dtype(int value) { return value >= 0 && value < kDTypeCount; }
std::size_t dtype_bytes(DType dtype);
std::string_view dtype_name(DType dtype);
std::optional<DType> dtype_from_name(std::string_view name);
constexpr bool is_floating(DType dtype) {
  return dtype == DType::float16 || dtype == DType::float32 || dtype == DType::float64 ||
         dtype == DType::bfloat16;
}

}  // namespace hvd
