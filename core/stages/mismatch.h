// core/stages/mismatch.h: do the ranks mean the same operation, and if not, who says what.
// Not here: who has submitted at all (root_negotiator.h).
// Threads: pure functions.  Limits: none.
// Read next: tests/core/stages/mismatch_test.cc.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/stages/messages.h"

namespace hvd {

struct RankEntry {
  Rank rank;
  ReadyEntry entry;
};

// True if both may be one operation: kind (of two ranks: one sends and one receives), dtype, shape
// (where each rank has its own number of rows, but for the first dimension), reduction, scale
// factors, root, row counts of a reduce-scatter; of grouped ones the same of each tensor. Names and
// deadlines do not count; nor does what a rank that is not the root says of a scatter.
bool same_operation(const ReadyEntry& a, const ReadyEntry& b);

// "allreduce 'x': shape differs: [3 4] on ranks 0 2, [3 5] on rank 1. ..." for entries of one name
// of which at least two are not the same operation; names the first property that differs.
std::string mismatch_text(const std::vector<RankEntry>& entries);

}  // namespace hvd
