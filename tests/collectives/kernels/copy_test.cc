#include "collectives/kernels/copy.h"

#include <cstring>
#include <vector>

#include "collectives/kernels/scale.h"
#include "tests/catch.h"
#include "tests/collectives/kernels/every_set.h"
#include "tests/collectives/kernels/naive_reduction.h"

namespace hvd {
namespace {

TEST_CASE("a copy of nothing takes null pointers", "[copy]") {
  copy(nullptr, nullptr, 0);
  std::byte to{1};
  const std::byte from{2};
  copy(&to, &from, 1);
  CHECK(to == std::byte{2});
}

TEST_CASE("a scaled copy, streamed or not, has the bits of scale()", "[copy]") {
  Random random(41);
  for (int d = 0; d < kDTypeCount; ++d) {
    const auto dtype = static_cast<DType>(d);
    for (const std::size_t count : {0, 1, 33, 2500}) {
      const std::vector<std::byte> values = mixed_values(dtype, count, random);
      std::vector<std::byte> expected(values.size());
      scale(expected.data(), values.data(), 0.3, count, dtype);
      for (const KernelTable* table : every_set()) {
        for (const bool stream : {false, true}) {
          std::vector<std::byte> result(values.size() + 8);
          copy_scaled(*table, result.data() + 8, values.data(), 0.3, count, dtype, stream);
          REQUIRE(difference({result.data() + 8, values.size()}, expected, dtype, ReduceOp::sum) ==
                  "");
        }
      }
    }
  }
}

}  // namespace
}  // namespace hvd
