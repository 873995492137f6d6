// backends/engine/peer_tensors.h: the tensors of an item where all ranks have theirs in the arena.
// Not here: what is done with them (execution.h).
// Threads: baton holder only.  Limits: as many segments as places fit into a bank of slots; where
// there are more, the selector has the item copied.
// Read next: arena_map.h, then execution.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "backends/engine/arena_map.h"
#include "backends/engine/scatter_list.h"
#include "collectives/selector.h"
#include "core/base/status.h"
#include "core/vocabulary/work_item.h"

namespace hvd {

// What a rank tells of a segment: offsets in its arena.
struct TensorPlace {
  std::uint64_t input = 0;
  std::uint64_t output = 0;
};
static_assert(sizeof(TensorPlace) == kTensorPlaceBytes);  // pair: the selector counts by it

// Writes the places of the item's tensors to `slots`. Fails if one is not in this rank's arena or
// if they do not fit: whoever chose a schedule for the arena had been told otherwise.
Status tell_places(const WorkItem& item, const ArenaMap& map, Rank self, std::byte* slots,
                   std::size_t slot_bytes);

class PeerTensors {
 public:
  // Reads what `peer` told in `slots`, which it may write at any time: each place is copied before
  // it is judged.
  Status read(const WorkItem& item, const ArenaMap& map, Rank peer, const std::byte* slots);

  const ScatterList& input() const { return input_; }
  const ScatterList& output() const { return output_; }

 private:
  ScatterList input_;
  ScatterList output_;
};

}  // namespace hvd
