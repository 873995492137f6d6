#include <cstring>
#include <vector>

#include "tests/catch.h"
#include "tests/collectives/kernels/every_set.h"
#include "tests/collectives/kernels/naive_reduction.h"

namespace hvd {
namespace {

TEST_CASE("Adasum has the same bits with every instruction set", "[adasum_loops]") {
  Random random(61);
  for (int d = 0; d < kDTypeCount; ++d) {
    const auto dtype = static_cast<DType>(d);
    if (!is_floating(dtype)) {
      continue;
    }
    for (std::size_t count = 0; count < 200; count += 1 + count / 5) {
      const std::vector<std::byte> a = mixed_values(dtype, count, random);
      const std::vector<std::byte> b = mixed_values(dtype, count, random);
      const KernelTable& portable = kernels_for(InstructionSet::portable);
      const AdasumProducts expected = portable.adasum_products[d](a.data(), b.data(), count);
      std::vector<std::byte> combined(a.size());
      portable.adasum_combine[d](combined.data(), a.data(), 0.75, b.data(), 0.1, count);
      for (const KernelTable* table : every_set()) {
        INFO(instruction_set_name(table->instruction_set) << " " << dtype_name(dtype));
        const AdasumProducts products = table->adasum_products[d](a.data(), b.data(), count);
        // NaN are products too, of any payload.
        REQUIRE((products.ab == expected.ab || expected.ab != expected.ab));
        REQUIRE((products.aa == expected.aa || expected.aa != expected.aa));
        REQUIRE((products.bb == expected.bb || expected.bb != expected.bb));
        std::vector<std::byte> over = b;
        table->adasum_combine[d](over.data(), a.data(), 0.75, over.data(), 0.1, count);
        REQUIRE(difference(over, combined, dtype, ReduceOp::adasum) == "");
      }
    }
  }
}

}  // namespace
}  // namespace hvd
