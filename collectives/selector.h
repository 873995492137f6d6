// collectives/selector.h: which algorithm with which chunk, as the number that ranks agree on.
// Not here: the algorithms (algorithms.h), what was measured (tuning.h).
// Threads: pure functions.  Limits: chunks of kChunkBytesMin..kChunkBytesMax, see kOpCountMax.
// Read next: selector.cc for the rules and their reasons.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include "collectives/algorithms.h"
#include "collectives/lane.h"
#include "collectives/schedule.h"
#include "collectives/schedule_params.h"
#include "core/base/status.h"
#include "core/ports/data_plane.h"
#include "core/vocabulary/dtype.h"
#include "core/vocabulary/work_item.h"

namespace hvd {

inline constexpr std::uint64_t kChunkBytesMin = 16;  // one element of the largest type
inline constexpr std::uint64_t kChunkBytesMax = 1U << 30;
// Most ops that make_schedule makes for one rank, 640 MiB: a peer cannot make us run out of memory
// by choosing a tiny chunk.
inline constexpr std::uint64_t kOpCountMax = 1U << 24;

// In what type floating-point elements travel between hosts.
enum class WireType : std::uint8_t { own = 0, float16 = 1, bfloat16 = 2 };

struct ScheduleSpec {
  Algorithm algorithm = Algorithm::ring;
  std::uint64_t chunk_bytes = 256 * 1024;  // a multiple of kChunkBytesMin
  Lane lane = Lane::bulk;
  bool stream = false;  // stores into slots bypass the caches
  WireType narrow = WireType::own;
  bool fixed_order = false;  // ScheduleParams::fixed_order
};

// unpack_choice refuses numbers that pack_choice does not make, and algorithms that `kind` does not
// have: a choice comes over a wire.
ScheduleChoice pack_choice(const ScheduleSpec& spec);
Result<ScheduleSpec> unpack_choice(ScheduleChoice choice, CollectiveKind kind);
// Of any number, also of one that unpack_choice refuses.
Lane lane_of(ScheduleChoice choice);
Algorithm algorithm_of(ScheduleChoice choice);

// Whether stores into slots are to bypass the caches. That is each rank's own affair and changes no
// result, so that a rank may choose otherwise than the root. Of any number.
bool streams(ScheduleChoice choice);
ScheduleChoice with_stream(ScheduleChoice choice, bool stream);

// What is best on these hosts; tuning.h has it from what was measured.
struct HostTuning {
  std::uint64_t express_bytes_most = 32 * 1024;  // what still counts as small
  std::uint64_t chunk_bytes = 256 * 1024;        // of a long vector
  // From how many bytes on stores into slots bypass the caches.
  std::uint64_t stream_bytes_min = std::numeric_limits<std::uint64_t>::max();
  // From how many bytes on a part of another rank may be read out of its memory rather than passed
  // through slots; and for how many ranks at most where all of them read the same part.
  std::uint64_t single_copy_bytes_min = 64 * 1024;
  int single_copy_rank_count_most = 2;
  // Every rank combines everything of an allreduce up to here, two ranks longer than more of them;
  std::uint64_t one_shot_bytes_most_of_two = 128 * 1024;
  std::uint64_t one_shot_bytes_most = 32 * 1024;
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

// Whether a part of the item may be read out of its rank's memory as well as pass through slots,
// and neither is sure to be faster.
bool may_read_in_place(const WorkShape& shape, int rank_count, const SelectorSettings& settings);

// The root's choice. A setting that does not fit is brought into range (a chunk that is larger than
// a slot, or so small that a schedule would be too long); an algorithm that is unknown is an error.
Result<ScheduleChoice> choose(const WorkShape& shape, int rank_count,
                              const SelectorSettings& settings);

// This rank's schedule. params.chunk_element_count, .stream, .narrow and .fixed_order are set here,
// from the choice and the dtype; params.slot_element_count is what the choice's lane offers.
Result<Schedule> make_schedule(ScheduleChoice choice, CollectiveKind kind, DType dtype,
                               ScheduleParams params);

}  // namespace hvd
