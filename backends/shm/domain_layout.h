// backends/shm/domain_layout.h: where what lies in a rank's segment, from the number of ranks
// alone. Not here: the memory (segment.h), the rings themselves (ring.h). Threads: pure functions.
// Limits: kDomainBytesMax of slots a rank, down to slots of one page. Read next: ring.h.
#pragma once

#include <cstddef>

#include "backends/shm/ring.h"

namespace hvd {

inline constexpr std::size_t kSlotBytesMost = std::size_t{256}
                                              << 10;  // the best chunk, data_plane.md
inline constexpr std::size_t kDomainBytesMax = std::size_t{16} << 20;

// Every rank of a domain comes to the same geometry. Up to 17 ranks have the best one; with more,
// slots get smaller first, because fewer of them would cost the overlap of copy and reduce.
constexpr RingGeometry domain_geometry(int local_size) {
  RingGeometry geometry{.slot_bytes = kSlotBytesMost, .slot_count = 4};
  const auto edge_count = static_cast<std::size_t>(local_size > 1 ? local_size - 1 : 1);
  const auto fits = [&] {
    return edge_count * static_cast<std::size_t>(geometry.slot_count) * geometry.slot_bytes <=
           kDomainBytesMax;
  };
  while (!fits() && geometry.slot_bytes > 4 * kRingPageBytes) {
    geometry.slot_bytes /= 2;
  }
  if (!fits()) {
    geometry.slot_count = 2;
  }
  while (!fits() && geometry.slot_bytes > kRingPageBytes) {
    geometry.slot_bytes /= 2;
  }
  return geometry;
}

// A rank's segment: a page with its sleep word, then its outgoing rings to the other members of the
// domain, by their index among the members.
struct DomainLayout {
  int local_size = 1;
  RingGeometry geometry = domain_geometry(1);

  constexpr explicit DomainLayout(int size) : local_size(size), geometry(domain_geometry(size)) {}
  constexpr std::size_t segment_bytes() const {
    return kRingPageBytes + static_cast<std::size_t>(local_size - 1) * ring_bytes(geometry);
  }
  // Of the ring from member `from` to member `to`, in the segment of `from`.
  constexpr std::size_t ring_offset(int from, int to) const {
    const int place = to < from ? to : to - 1;
    return kRingPageBytes + static_cast<std::size_t>(place) * ring_bytes(geometry);
  }
};

}  // namespace hvd
