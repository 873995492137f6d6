// collectives/kernels/adasum.h: Adasum of two vectors: their dot products, and the sum that they
// weigh.
// Not here: who combines with whom, and adding the products of a vector's parts (generators/).
// Threads: pure functions.  Limits: floating types; no alignment needed.  Read next: reduce.h.
#pragma once

#include <cstddef>

#include "collectives/kernels/kernel_table.h"

namespace hvd {

// a.b, a.a and b.b in fp64. The order of additions depends on count alone: the bits are the same on
// every CPU.
AdasumProducts adasum_products(const std::byte* a, const std::byte* b, std::size_t count,
                               DType dtype);

// Of two parts of the vectors, for what both have together.
AdasumProducts operator+(const AdasumProducts& left, const AdasumProducts& right);

struct AdasumFactors {
  double a = 1;
  double b = 1;
};
// Of the products over the whole vectors: 1 - a.b / (2 a.a) and 1 - a.b / (2 b.b); 1 for a vector
// that is zero, or so near to it that the division means nothing. Vectors that point the same way
// are averaged, orthogonal ones added.
AdasumFactors adasum_factors(const AdasumProducts& products);

// dst[i] = factors.a * a[i] + factors.b * b[i] in fp64, rounded once to the type; NaN as in
// reduce.h. dst may be a or b.
void adasum_combine(std::byte* dst, const std::byte* a, const std::byte* b,
                    const AdasumFactors& factors, std::size_t count, DType dtype);

}  // namespace hvd
