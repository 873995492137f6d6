#include "core/vocabulary/reduce_op.h"

#include <array>

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("the numbers of reductions are Horovod's", "[reduce_op]") {
  constexpr std::array<std::string_view, 6> names = {"average", "sum", "adasum",
                                                     "min",     "max", "product"};
  for (int op = 0; op < 6; ++op) {
    CHECK(valid_reduce_op(op));
    CHECK(reduce_op_name(static_cast<ReduceOp>(op)) == names[static_cast<std::size_t>(op)]);
  }
  CHECK_FALSE(valid_reduce_op(kReduceOpCount));
  CHECK_FALSE(valid_reduce_op(-1));
}

// One letter an op, in the order of their numbers; a dot where there is none.
std::string_view supported_ops(DType dtype) {
  switch (dtype) {
    case DType::boolean:
      return ".s.<>*&|^aox.";
    case DType::complex64:
    case DType::complex128:
      return "ms...*......p";
    case DType::float16:
    case DType::bfloat16:
    case DType::float32:
    case DType::float64:
    case DType::float8_e4m3:
    case DType::float8_e5m2:
      return "msA<>*......p";
    default:
      return "ms.<>*&|^aoxp";
  }
}

TEST_CASE("what is supported is what the header promises", "[reduce_op]") {
  for (int d = 0; d < kDTypeCount; ++d) {
    const auto dtype = static_cast<DType>(d);
    for (int op = 0; op < kReduceOpCount; ++op) {
      INFO(dtype_name(dtype) << " " << reduce_op_name(static_cast<ReduceOp>(op)));
      const bool promised = supported_ops(dtype)[static_cast<std::size_t>(op)] != '.';
      CHECK(reduce_supported(static_cast<ReduceOp>(op), dtype) == promised);
    }
  }
}

}  // namespace
}  // namespace hvd
