// collectives/verifier/combination.h: what ops make of formulas: reduced, scaled, narrowed pieces.
// Not here: which elements (execution.cc).
// Threads: one.  Limits: none.
// Read next: execution.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "collectives/verifier/contents.h"
#include "collectives/verifier/terms.h"

namespace hvd {

struct ValueFault {
  std::string text;
  std::uint64_t begin = 0;  // counted from the first of the elements
  std::uint64_t end = 0;
};

// Why two values cannot be combined, or "".
std::string combination_fault(const TermTable& terms, const Value& ours, const Value& theirs);

// ours = ours (op) theirs, or reversed.
std::optional<ValueFault> combine(TermTable& terms, bool reversed, Elements& ours,
                                  const Elements& theirs);

// Applies kScalePre, kScalePost and then kNarrow, of the flags of an op that writes.
std::optional<ValueFault> finish_values(TermTable& terms, unsigned flags, Elements& elements);

}  // namespace hvd
