// backends/engine/peer_parts.h: what a rank has for the others, told in its slots and read by them
// where it lies, in its own memory (BufferKind::peer_part).
// Not here: when (execution.cc), the reading (memory_reader.h).
// Threads: baton holder only.  Limits: as many addresses as fit into a bank of slots.
// Read next: memory_reader.h, then execution.cc.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backends/engine/memory_reader.h"
#include "backends/engine/scatter_list.h"
#include "collectives/schedule.h"
#include "core/base/status.h"
#include "core/vocabulary/work_item.h"

namespace hvd {

// `slots` is where this rank's slots of the item begin. Fails if the addresses do not fit.
Status tell_parts(const WorkItem& item, const Schedule& schedule, std::byte* slots,
                  std::size_t slot_bytes);

// The rank gives its tensors back to its user although others may not have read them, because the
// item has failed. Comes before that: whoever reads them nevertheless finds out afterwards, by
// parts_stand(), that what it got may be anything.
void withdraw_parts(std::byte* slots);

// Whether what was told in a rank's slots for this item was the rank's to give, all the time until
// now.
bool parts_stand(const std::byte* slots, std::uint64_t work_id);

// What one peer has for this rank.
class PeerPart {
 public:
  bool is_of(std::uint64_t work_id) const { return is_found_ && work_id_ == work_id; }
  // Reads what `peer`, a rank of the group, told in its slots, which it may write at any time: each
  // address is copied before it is judged. How much lies there the schedule says.
  Status find(const WorkItem& item, const Schedule& schedule, Rank peer, const std::byte* slots);
  // Copies `count` elements of it from `offset` on. `peer` is the world rank.
  Status copy(PieceCursor dst, std::size_t offset, std::size_t count, Rank peer,
              MemoryReader& reader) const;

 private:
  bool is_found_ = false;
  std::uint64_t work_id_ = 0;
  std::size_t element_bytes_ = 1;
  ScatterList pieces_;  // addresses in the peer's process: nothing is to be found there in this one
};

}  // namespace hvd
