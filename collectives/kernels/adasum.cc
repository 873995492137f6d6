#include "collectives/kernels/adasum.h"

#include "core/base/check.h"

namespace hvd {
namespace {

// The root of the least normal fp64: below, a square has lost its mantissa.
constexpr double kSquareLeast = 0x1p-511;

double factor(double product, double square) {
  return square >= kSquareLeast ? 1.0 - product / square * 0.5 : 1.0;
}

}  // namespace

AdasumProducts adasum_products(const std::byte* a, const std::byte* b, std::size_t count,
                               DType dtype) {
  HVD_CHECK(is_floating(dtype));
  return best_kernels().adasum_products[static_cast<std::size_t>(dtype)](a, b, count);
}

AdasumProducts operator+(const AdasumProducts& left, const AdasumProducts& right) {
  return {.ab = left.ab + right.ab, .aa = left.aa + right.aa, .bb = left.bb + right.bb};
}

AdasumFactors adasum_factors(const AdasumProducts& products) {
  return {.a = factor(products.ab, products.aa), .b = factor(products.ab, products.bb)};
}

void adasum_combine(std::byte* dst, const std::byte* a, const std::byte* b,
                    const AdasumFactors& factors, std::size_t count, DType dtype) {
  HVD_CHECK(is_floating(dtype));
  best_kernels().adasum_combine[static_cast<std::size_t>(dtype)](dst, a, factors.a, b, factors.b,
                                                                 count);
}

}  // namespace hvd
