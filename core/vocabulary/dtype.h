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

// 0..9 as in Horovod's wire format; what Horovod does not have follows.
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
  uint32 = 11,
  uint64 = 12,
  float8_e4m3 = 13,  // OCP FP8 E4M3: finite, NaN 0x7f and 0xff (torch.float8_e4m3fn)
  float8_e5m2 = 14,  // OCP FP8 E5M2: with infinities
  complex64 = 15,    // two fp32: real, imaginary
  complex128 = 16,   // two fp64
};
inline constexpr int kDTypeCount = 17;

constexpr bool valid_dtype(int value) { return value >= 0 && value < kDTypeCount; }
std::size_t dtype_bytes(DType dtype);
std::string_view dtype_name(DType dtype);
std::optional<DType> dtype_from_name(std::string_view name);
constexpr bool is_floating(DType dtype) {
  return dtype == DType::float16 || dtype == DType::float32 || dtype == DType::float64 ||
         dtype == DType::bfloat16 || dtype == DType::float8_e4m3 || dtype == DType::float8_e5m2;
}
constexpr bool is_complex(DType dtype) {
  return dtype == DType::complex64 || dtype == DType::complex128;
}

}  // namespace hvd
