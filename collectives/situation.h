// collectives/situation.h: what a choice looks at of a piece of work and its job.
// Not here: the rules (selection_rules.h), settings that force something (selector.h).
// Threads: pure functions.  Limits: none.
// Read next: selection_rules.h.
#pragma once

#include <cstdint>

#include "collectives/algorithms.h"
#include "collectives/lane.h"
#include "collectives/selector.h"
#include "core/ports/data_plane.h"

namespace hvd {

struct Situation {
  CollectiveKind kind;
  bool is_adasum;
  int rank_count;
  std::uint64_t bytes;
  Lane lane;
  std::uint64_t slot_bytes;  // shared, of that lane
  int host_count;
  int ranks_per_host;  // that every host has at least
  bool in_arena;
  bool reads_peers;
  bool even_parts;
  bool deterministic;
  bool narrow;  // where it goes over edges
  bool shares() const { return slot_bytes >= kChunkBytesMin; }
};

Situation situation_of(const WorkShape& shape, const JobPlaces& places,
                       const SelectorSettings& settings);

// Whether the algorithm could run.
bool is_possible(const AlgorithmRow& row, const Situation& situation);

// Whether it combines in the one order that HVD_DETERMINISTIC needs here, if it is set.
bool keeps_order(const AlgorithmRow& row, const Situation& situation);

}  // namespace hvd
