#include "collectives/kernels/adasum.h"

#include <array>
#include <cmath>
#include <vector>

#include "core/base/random.h"
#include "tests/catch.h"
#include "tests/collectives/reference_executor.h"

namespace hvd {
namespace {

TEST_CASE("Adasum averages what points the same way and adds what is orthogonal", "[adasum]") {
  const AdasumFactors same = adasum_factors({.ab = 4, .aa = 4, .bb = 4});
  CHECK(same.a == 0.5);
  CHECK(same.b == 0.5);
  const AdasumFactors orthogonal = adasum_factors({.ab = 0, .aa = 4, .bb = 9});
  CHECK(orthogonal.a == 1);
  CHECK(orthogonal.b == 1);
  const AdasumFactors zero = adasum_factors({.ab = 0, .aa = 0, .bb = 9});
  CHECK(zero.a == 1);
  CHECK(zero.b == 1);
}

// What one rounding to the nearest may change.
struct Precision {
  DType dtype;
  double half_unit;
  double half_subnormal;
};
constexpr std::array<Precision, 6> kPrecisions = {{
    {DType::float64, 0x1p-53, 0},
    {DType::float32, 0x1p-24, 0},
    {DType::float16, 0x1p-11, 0x1p-25},
    {DType::bfloat16, 0x1p-8, 0},
    {DType::float8_e4m3, 0x1p-4, 0x1p-10},
    {DType::float8_e5m2, 0x1p-3, 0x1p-17},
}};

TEST_CASE("products and weighted sums are those of long double, within a rounding", "[adasum]") {
  Random random(71);
  for (const Precision& type : kPrecisions) {
    const DType dtype = type.dtype;
    for (const std::size_t count : {0, 1, 15, 16, 17, 1000}) {
      std::vector<std::byte> a(count * dtype_bytes(dtype));
      std::vector<std::byte> b(a.size());
      long double ab = 0;
      long double aa = 0;
      for (std::size_t i = 0; i < count; ++i) {
        set_element(a.data(), i, dtype, random.unit() - 0.5);
        set_element(b.data(), i, dtype, random.unit() - 0.5);
        const long double left = element_as_double(a.data(), i, dtype);
        ab += left * element_as_double(b.data(), i, dtype);
        aa += left * left;
      }
      const AdasumProducts products = adasum_products(a.data(), b.data(), count, dtype);
      INFO(dtype_name(dtype) << " " << count);
      CHECK(std::abs(products.ab - static_cast<double>(ab)) <= 1e-13 * static_cast<double>(aa + 1));
      CHECK(std::abs(products.aa - static_cast<double>(aa)) <= 1e-13 * static_cast<double>(aa));
      std::vector<std::byte> sum(a.size());
      adasum_combine(sum.data(), a.data(), b.data(), {.a = 0.7, .b = 0.6}, count, dtype);
      for (std::size_t i = 0; i < count; ++i) {
        const double exact = 0.7 * element_as_double(a.data(), i, dtype) +
                             0.6 * element_as_double(b.data(), i, dtype);
        const double error = element_as_double(sum.data(), i, dtype) - exact;
        REQUIRE(std::abs(error) <= std::abs(exact) * type.half_unit + type.half_subnormal);
      }
    }
  }
}

}  // namespace
}  // namespace hvd
