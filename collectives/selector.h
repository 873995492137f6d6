// collectives/selector.h: which algorithm with which chunk, as the number that ranks agree on.
// Not here: the algorithms (generators/), measured parameters (a cost model comes later).
// Threads: pure functions.  Limits: chunks of kChunkBytesMin..kChunkBytesMax, see kOpCountMax.
// Read next: selector.cc for the rules and their reasons.
#pragma once

#include <cstdint>
#include <string_view>

#include "collectives/schedule.h"
#include "collectives/schedule_params.h"
#include "core/base/status.h"
#include "core/ports/data_plane.h"
#include "core/vocabulary/dtype.h"
#include "core/vocabulary/work_item.h"

namespace hvd {

// The numbers are part of the wire.
enum class Algorithm : std::uint8_t {
  ring = 1,
  recursive_doubling = 2,
  tree = 3,
  dissemination = 4,
};

std::string_view algorithm_name(Algorithm algorithm);

inline constexpr std::uint64_t kChunkBytesMin = 8;  // one element of the largest type
inline constexpr std::uint64_t kChunkBytesMax = 1U << 30;
// Most ops that make_schedule makes for one rank, 640 MiB: a peer cannot make us run out of memory
// by choosing a tiny chunk.
inline constexpr std::uint64_t kOpCountMax = 1U << 24;

struct ScheduleSpec {
  Algorithm algorithm = Algorithm::ring;
  std::uint64_t chunk_bytes = 256 * 1024;  // a multiple of kChunkBytesMin
};

// unpack_choice refuses numbers that pack_choice does not make, and algorithms that `kind` does not
// have: a choice comes over a wire.
ScheduleChoice pack_choice(const ScheduleSpec& spec);
Result<ScheduleSpec> unpack_choice(ScheduleChoice choice, CollectiveKind kind);

struct SelectorSettings {
  std::string_view algorithm = "auto";        // HVD_ALGORITHM; for allreduce only
  std::uint64_t chunk_bytes = 0;              // HVD_CHUNK_BYTES; 0: chosen by size
  std::uint64_t slot_bytes = kChunkBytesMax;  // what one slot of the transport holds
};

// The root's choice. A setting that does not fit is brought into range (a chunk that is larger than
// a slot, or so small that a schedule would be too long); an algorithm that is unknown is an error.
Result<ScheduleChoice> choose(const WorkShape& shape, int rank_count,
                              const SelectorSettings& settings);

// This rank's schedule. params.chunk_element_count is set here, from the choice and the dtype.
Result<Schedule> make_schedule(ScheduleChoice choice, CollectiveKind kind, DType dtype,
                               ScheduleParams params);

}  // namespace hvd
