// collectives/schedule_params.h: what a generator has to know to make one rank's Schedule.
// Not here: choosing the algorithm (selector.h), the algorithms (generators/).
// Threads: values.  Limits: kRankCountMax, and counts whose sum fits in 64 bits.
// Read next: schedule_builder.h, generators/ring_allreduce.h.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/status.h"
#include "core/vocabulary/collective.h"
#include "core/vocabulary/rank.h"

namespace hvd {

inline constexpr int kRankCountMax = 1 << 24;

struct ScheduleParams {
  Rank rank = Rank{0};
  int rank_count = 1;
  Rank root = kRoot;                       // where the kind has one
  std::uint64_t element_count = 0;         // where the kind has no counts
  std::vector<std::uint64_t> counts;       // per rank, as core/vocabulary/work_item.h says
  std::vector<std::uint64_t> send_counts;  // alltoall only
  Rank peer;                               // send, recv
  // The host of each rank, numbered by the lowest rank of each: those of one host share slots.
  // Empty: all on one host.
  std::vector<int> host_of_rank;
  std::uint64_t slot_element_count = 0;   // of shared memory that each rank may offer
  bool in_arena = false;                  // all ranks' tensors lie in memory that all see
  bool reads_peers = false;               // the ranks may read one another's memory
  bool stream = false;                    // stores into slots bypass the caches
  bool narrow = false;                    // chunks travel in the item's narrow type
  bool fixed_order = false;               // as CombiningOrder says, where the algorithm can
  std::uint64_t chunk_element_count = 1;  // most elements that one op moves
  bool in_place = false;
  bool prescale = false;   // allreduce only: there is a factor other than 1
  bool postscale = false;  // allreduce only
  // How many chunks of an exchange a rank sends before it receives the first. 1 never needs more
  // than one slot an edge; 2 keeps a chunk under way while the previous one is reduced. May not
  // exceed the slots of an edge, or all ranks of a ring wait for a free one.
  int send_ahead = 2;
};

// Refuses what no generator can serve. Generators rely on this having been asked.
Status check_params(CollectiveKind kind, const ScheduleParams& params);

}  // namespace hvd
