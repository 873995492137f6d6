// collectives/selection_rules.h: algorithm and chunk by fixed borders of size.
// Not here: by predicted time (decision_table.h), what is forced (selector.h).
// Threads: pure functions.  Limits: none.
// Read next: selection_rules.cc for the borders and their reasons.
#pragma once

#include <cstdint>

#include "collectives/algorithms.h"
#include "collectives/selector.h"
#include "collectives/situation.h"

namespace hvd {

// What the rules prefer, or else the kind's first row that is possible.
const AlgorithmRow& row_by_rules(const Situation& situation, const SelectorSettings& settings);

// Whether parts may be read where they lie as well as pass through slots, and neither is sure to be
// faster.
bool has_two_ways(const Situation& situation, const HostTuning& tuning);

// How long a piece is that travels by itself: the vector, or a part of it.
std::uint64_t piece_bytes_of(const AlgorithmRow& row, const Situation& situation);

std::uint64_t chunk_by_rules(const AlgorithmRow& row, const Situation& situation,
                             const HostTuning& tuning);

}  // namespace hvd
