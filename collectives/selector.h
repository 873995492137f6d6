// collectives/selector.h: which algorithm with which chunk, as the number that ranks agree on.
// Not here: by predicted time (decision_table.h), what was measured (tuning.h).
// Threads: pure functions.  Limits: chunks of kChunkBytesMin..kChunkBytesMax, see kOpCountMax.
// Read next: selection_rules.cc for the rules and their reasons, then decision_table.h.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include "collectives/algorithms.h"
#include "collectives/schedule.h"
#include "collectives/schedule_choice.h"
#include "collectives/schedule_params.h"
#include "core/base/status.h"
#include "core/ports/data_plane.h"
#include "core/vocabulary/collective.h"
#include "core/vocabulary/dtype.h"

namespace hvd {

// Most ops that make_schedule makes for one rank, 640 MiB: a peer cannot make us run out of memory
// by choosing a tiny chunk.
inline constexpr std::uint64_t kOpCountMax = 1U << 24;

// What is best on these hosts; tuning.h has it from what was measured.
struct HostTuning {
  std::uint64_t express_bytes_most = 32 << 10;  // what still counts as small
  std::uint64_t chunk_bytes = 256 << 10;        // of a long vector
  // From how many bytes on stores into slots bypass the caches.
  std::uint64_t stream_bytes_min = std::numeric_limits<std::uint64_t>::max();
  // From how many bytes on a part of another rank may be read out of its memory rather than passed
  // through slots; and for how many ranks at most where all of them read the same part.
  std::uint64_t single_copy_bytes_min = 64 << 10;
  int single_copy_rank_count_most = 2;
  // Every rank combines everything of an allreduce up to here, two ranks longer than more of them;
  std::uint64_t one_shot_bytes_most_of_two = 128 << 10;
  std::uint64_t one_shot_bytes_most = 32 << 10;
  // and the root everything of a reduce where there are so few ranks.
  int reducing_root_rank_count_most = 2;
};

struct SelectorSettings {
  std::string_view algorithm = "auto";        // HVD_ALGORITHM, for the kinds that have it
  std::uint64_t chunk_bytes = 0;              // HVD_CHUNK_BYTES; 0: chosen by size
  std::uint64_t slot_bytes = kChunkBytesMax;  // what one slot of an edge holds
  std::span<const int> host_of_rank = {};     // as in ScheduleParams
  // Shared memory that each rank may offer to one schedule of a lane; 0: none is shared.
  std::uint64_t slot_bytes_express = 0;
  std::uint64_t slot_bytes_bulk = 0;
  HostTuning tuning = {};
  bool reads_peers = false;  // as in ScheduleParams
  // Parts that may be read where they lie (may_read_in_place) are: which is faster, a running job
  // learns.
  bool prefers_single_copy = false;
  // Of this item: that all ranks' tensors lie in memory that all see (more of them than can be told
  // are copied all the same), and in what type it may travel between hosts. Only fp32 that is
  // reduced becomes narrow.
  bool in_arena = false;
  WireType narrow = WireType::own;
  // HVD_DETERMINISTIC: what is fused must not decide how it is combined. So all sizes of a kind
  // have one CombiningOrder, which follows from ranks and hosts, and `tuning` counts for nothing.
  bool deterministic = false;
};

// What a rank tells the others of each of its tensors in the arena, in the slots of the item's
// lane.
inline constexpr std::uint64_t kTensorPlaceBytes = 16;

// Whether HVD_ALGORITHM names an algorithm at all: known before anybody joins a job.
Status check_algorithm(std::string_view wanted);
// Whether it combines in one order, as HVD_DETERMINISTIC needs it, on these wires.
Status check_order(std::string_view wanted, WireType narrow);

// What a job has of hosts and ranks: counted once, as counting takes memory.
struct JobPlaces {
  int rank_count = 1;
  int host_count = 1;
  int ranks_per_host = 1;  // that every host has at least
};
// host_of_rank as in ScheduleParams.
JobPlaces places_of_job(std::span<const int> host_of_rank, int rank_count);

// Whether a part of the item may be read out of its rank's memory as well as pass through slots,
// and neither is sure to be faster.
bool may_read_in_place(const WorkShape& shape, const JobPlaces& places,
                       const SelectorSettings& settings);

// The root's choice by the rules. A setting that does not fit is brought into range (a chunk that
// is larger than a slot, or so small that a schedule would be too long); an algorithm that is
// unknown is an error.
Result<ScheduleChoice> choose(const WorkShape& shape, int rank_count,
                              const SelectorSettings& settings);
Result<ScheduleChoice> choose(const WorkShape& shape, const JobPlaces& places,
                              const SelectorSettings& given);

// The steps of choose(), for who chooses otherwise. The row that HVD_ALGORITHM asks for, if it can
// run: it keeps its own order, and whether it can run does not depend on the size. nullptr: none.
struct Situation;
Result<const AlgorithmRow*> forced_algorithm(const Situation& situation,
                                             const SelectorSettings& settings);
// All of the choice, with this algorithm and chunk; 0: HVD_CHUNK_BYTES, or by the rules.
ScheduleSpec spec_of(const AlgorithmRow& row, std::uint64_t chunk_bytes, const WorkShape& shape,
                     const Situation& situation, const SelectorSettings& settings);

// This rank's schedule. params.chunk_element_count, .stream, .narrow and .fixed_order are set here,
// from the choice and the dtype; params.slot_element_count is what the choice's lane offers.
Result<Schedule> make_schedule(ScheduleChoice choice, CollectiveKind kind, DType dtype,
                               ScheduleParams params);

}  // namespace hvd
