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

TEST_CASE("what is supported is what the header promises", "[reduce_op]") {
  for (int d = 0; d < kDTypeCount; ++d) {
    const auto dtype = static_cast<DType>(d);
    const bool all = is_floating(dtype) || dtype == DType::int32 || dtype == DType::int64;
    const bool some = dtype == DType::int8 || dtype == DType::uint8 || dtype == DType::boolean;
    INFO(dtype_name(dtype));
    CHECK_FALSE(reduce_supported(ReduceOp::adasum, dtype));
    CHECK(reduce_supported(ReduceOp::sum, dtype) == (all || some));
    CHECK(reduce_supported(ReduceOp::max, dtype) == (all || some));
    CHECK(reduce_supported(ReduceOp::average, dtype) == all);
    CHECK(reduce_supported(ReduceOp::min, dtype) == all);
    CHECK(reduce_supported(ReduceOp::product, dtype) == all);
  }
}

}  // namespace
}  // namespace hvd
