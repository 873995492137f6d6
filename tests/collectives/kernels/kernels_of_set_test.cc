#include "tests/catch.h"
#include "tests/collectives/kernels/every_set.h"

namespace hvd {
namespace {

TEST_CASE("each instruction set has a kernel for exactly the reductions that are supported",
          "[kernels_of_set]") {
  for (const KernelTable* table : every_set()) {
    for (int d = 0; d < kDTypeCount; ++d) {
      for (int o = 0; o < kReduceOpCount; ++o) {
        const auto dtype = static_cast<DType>(d);
        const auto op = static_cast<ReduceOp>(o);
        INFO(instruction_set_name(table->instruction_set)
             << " " << dtype_name(dtype) << " " << reduce_op_name(op));
        if (op == ReduceOp::adasum) {
          CHECK((table->adasum_products[d] != nullptr) == reduce_supported(op, dtype));
          CHECK((table->adasum_combine[d] != nullptr) == reduce_supported(op, dtype));
        } else {
          CHECK((table->reduce[d][o] != nullptr) == reduce_supported(op, dtype));
        }
      }
    }
  }
}

TEST_CASE("a wire reduces what its wide type reduces", "[kernels_of_set]") {
  for (const KernelTable* table : every_set()) {
    for (const auto& wires : table->wire) {
      for (const WireKernels& kernels : wires) {
        for (int o = 0; o < kReduceOpCount; ++o) {
          const auto op = static_cast<ReduceOp>(o);
          CHECK((kernels.reduce[o] != nullptr) ==
                (op != ReduceOp::adasum && reduce_supported(op, DType::float32)));
        }
      }
    }
  }
}

}  // namespace
}  // namespace hvd
