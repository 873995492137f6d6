// collectives/verifier/products.h: Adasum over formulas: dot products of pieces, and what they
// weigh.
// Not here: sums and factors (combination.h).
// Threads: one.  Limits: an operand of a dot product is one formula throughout.
// Read next: execution.cc.
#pragma once

#include <cstdint>
#include <optional>

#include "collectives/verifier/combination.h"

namespace hvd {

// The dot products of a and b, which hold the same elements of two different formulas.
std::optional<ValueFault> multiply(TermTable& terms, const Elements& a, const Elements& b,
                                   TermId& products);

// ours = ours + theirs, or reversed: of the same two formulas, over elements that differ.
std::optional<ValueFault> add_products(TermTable& terms, bool reversed, Elements& ours,
                                       const Elements& theirs);

// a = a and b weighed by products, which must be those of exactly these two formulas over all
// `element_count` elements of the vector, each once.
std::optional<ValueFault> weigh(TermTable& terms, TermId products, std::uint64_t element_count,
                                Elements& a, const Elements& b);

}  // namespace hvd
