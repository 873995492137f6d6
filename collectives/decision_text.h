// collectives/decision_text.h: prints what a job takes for each size, and what it costs.
// Not here: deciding (decision_table.h).
// Threads: as the table.  Limits: sizes of kPrintedClassLeast..kPrintedClassMost.
// Read next: decision_table.h.
#pragma once

#include <string>
#include <vector>

#include "collectives/decision_table.h"
#include "core/vocabulary/collective.h"

namespace hvd {

inline constexpr int kPrintedClassLeast = 6;  // 64 B
inline constexpr int kPrintedClassMost = 28;  // 256 MiB

// A row for each class of sizes: what is taken, its predicted time for the longest of the class,
// the fastest of another algorithm, and what decided.
std::string decisions_text(DecisionTable& table, CollectiveKind kind);

// The same for a log: a line for each border between two choices, of all kinds.
std::vector<std::string> decision_lines(DecisionTable& table);

}  // namespace hvd
