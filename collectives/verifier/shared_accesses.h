// collectives/verifier/shared_accesses.h: finds unordered accesses to one rank's slot memory.
// Not here: how the order comes about (execution.cc keeps the clocks).
// Threads: one.  Limits: none.
// Read next: execution.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "collectives/verifier/piece_map.h"
#include "core/vocabulary/rank.h"

namespace hvd {

// How many ops of each rank are known to be over; an op knows what its rank knew before.
using VectorClock = std::vector<std::uint32_t>;

struct Access {
  Rank rank;
  std::uint32_t op_index = 0;
  // Whether this access is over before any further access of `other`, which knows `clock`.
  bool before(Rank other, const VectorClock& clock) const {
    return rank == other || clock[rank.index()] > op_index;
  }
};

struct Conflict {
  Access earlier;
  bool earlier_writes = false;
  std::uint64_t element_begin = 0;
  std::uint64_t element_end = 0;
};

// It suffices to look at an element's last write and the reads since: whatever was before them was
// ordered before them, or would have been reported then.
class SharedAccesses {
 public:
  explicit SharedAccesses(std::uint64_t element_count) : pieces_(element_count, {}) {}

  std::uint64_t element_count() const { return pieces_.element_count(); }
  std::optional<Conflict> read(std::uint64_t begin, std::uint64_t end, Access access,
                               const VectorClock& clock);
  std::optional<Conflict> write(std::uint64_t begin, std::uint64_t end, Access access,
                                const VectorClock& clock);

 private:
  struct History {
    std::optional<Access> last_write;
    std::vector<Access> reads;
  };
  PieceMap<History> pieces_;
};

}  // namespace hvd
