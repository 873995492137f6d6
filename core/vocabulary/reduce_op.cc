#include "core/vocabulary/reduce_op.h"

#include <array>

namespace hvd {

std::string_view reduce_op_name(ReduceOp op) {
  constexpr std::array<std::string_view, kReduceOpCount> names = {
      "average",    "sum",         "adasum",           "min",         "max",
      "product",    "bitwise and", "bitwise or",       "bitwise xor", "logical and",
      "logical or", "logical xor", "premultiplied sum"};
  return names[static_cast<std::size_t>(op)];
}

bool reduce_supported(ReduceOp op, DType dtype) {
  if (op == ReduceOp::adasum || op > ReduceOp::product) {
    return false;
  }
  switch (dtype) {
    case DType::float16:
    case DType::float32:
    case DType::float64:
    case DType::bfloat16:
    case DType::int32:
    case DType::int64:
      return true;
    case DType::int8:
    case DType::uint8:
    case DType::boolean:
      return op == ReduceOp::sum || op == ReduceOp::max;
    case DType::uint16:
    case DType::int16:
    case DType::uint32:
    case DType::uint64:
    case DType::float8_e4m3:
    case DType::float8_e5m2:
    case DType::complex64:
    case DType::complex128:
      return false;
  }
  return false;
}

}  // namespace hvd
