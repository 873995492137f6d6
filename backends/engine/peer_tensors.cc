#include "backends/engine/peer_tensors.h"

#include <cstring>

namespace hvd {

Status tell_places(const WorkItem& item, const ArenaMap& map, Rank self, std::byte* slots,
                   std::size_t slot_bytes) {
  if (item.segments.size() * sizeof(TensorPlace) > slot_bytes) {
    return error(StatusCode::internal, collective_name(item.kind), " '", item.label,
                 "': ", item.segments.size(),
                 " tensors are more than a schedule for the arena can tell");
  }
  const std::byte* base = map.arenas[self.index()].data();
  for (const WorkSegment& segment : item.segments) {
    const std::size_t bytes = segment.element_count * dtype_bytes(item.dtype);
    TensorPlace place;
    if (bytes > 0) {
      if (!map.contains(self, segment.input, bytes) || !map.contains(self, segment.output, bytes)) {
        return error(StatusCode::internal, collective_name(item.kind), " '", item.label,
                     "': a schedule for the arena was chosen, and a tensor is not there");
      }
      place = {static_cast<std::uint64_t>(segment.input - base),
               static_cast<std::uint64_t>(segment.output - base)};
    }
    std::memcpy(slots, &place, sizeof place);
    slots += sizeof place;
  }
  return ok_status();
}

Status PeerTensors::read(const WorkItem& item, const ArenaMap& map, Rank peer,
                         const std::byte* slots) {
  const std::size_t element_bytes = dtype_bytes(item.dtype);
  input_.clear(element_bytes);
  output_.clear(element_bytes);
  const std::span<std::byte> arena = map.arenas[peer.index()];
  for (const WorkSegment& segment : item.segments) {
    const std::size_t bytes = segment.element_count * element_bytes;
    TensorPlace place;
    std::memcpy(&place, slots, sizeof place);
    slots += sizeof place;
    if (bytes > arena.size() || place.input > arena.size() - bytes ||
        place.output > arena.size() - bytes) {
      return error(StatusCode::aborted, "rank ", peer, " says of ", collective_name(item.kind),
                   " '", item.label, "' that its tensor of ", bytes, " bytes lies at ", place.input,
                   " and ", place.output, " in its arena of ", arena.size(),
                   " bytes. its memory is damaged, or it runs another version of hvd")
          .blame_rank(peer.value);
    }
    input_.append(arena.data() + place.input, segment.element_count);
    output_.append(arena.data() + place.output, segment.element_count);
  }
  return ok_status();
}

}  // namespace hvd
