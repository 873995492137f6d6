// collectives/schedule_choice.h: algorithm, chunk, lane and wire type as one number.
// Not here: who chooses and how (selector.h), the algorithms (algorithms.h).
// Threads: pure functions.  Limits: chunks of kChunkBytesMin..kChunkBytesMax.
// Read next: selector.h.
#pragma once

#include <cstdint>

#include "collectives/algorithms.h"
#include "collectives/lane.h"
#include "core/base/status.h"
#include "core/vocabulary/collective.h"
#include "core/vocabulary/work_item.h"

namespace hvd {

inline constexpr std::uint64_t kChunkBytesMin = 16;  // one element of the largest type
inline constexpr std::uint64_t kChunkBytesMax = 1U << 30;

// In what type floating-point elements travel between hosts.
enum class WireType : std::uint8_t { own = 0, float16 = 1, bfloat16 = 2 };

struct ScheduleSpec {
  Algorithm algorithm = Algorithm::ring;
  std::uint64_t chunk_bytes = 256 << 10;  // a multiple of kChunkBytesMin
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

}  // namespace hvd
