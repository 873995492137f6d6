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
  if (is_floating(dtype)) {
    return op <= ReduceOp::product || op == ReduceOp::premultiplied_sum;
  }
  switch (op) {
    case ReduceOp::sum:
    case ReduceOp::product:
      return true;
    case ReduceOp::average:
    case ReduceOp::premultiplied_sum:
      return dtype != DType::boolean;
    case ReduceOp::adasum:
      return false;
    default:
      return !is_complex(dtype);
  }
}

}  // namespace hvd
