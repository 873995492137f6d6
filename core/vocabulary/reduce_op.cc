#include "core/vocabulary/reduce_op.h"

#include <array>

namespace hvd {

std::string_view reduce_op_name(ReduceOp op) {
  constexpr std::array<std::string_view, 6> names = {"average", "sum", "adasum",
                                                     "min",     "max", "product"};
  return names[static_cast<std::size_t>(op)];
}

bool reduce_supported(ReduceOp op, DType dtype) {
  if (op == ReduceOp::adasum) {
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
      return false;
  }
  return false;
}

}  // namespace hvd
