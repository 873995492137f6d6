// backends/shm/domain_layout.h: where what lies in a rank's segment, from the number of ranks
// alone. Not here: the memory (segment.h), the rings themselves (ring.h). Threads: pure functions.
// Limits: kDomainBytesMax of slots a rank, down to slots of one page. Read next: ring.h.
#pragma once

#include <algorithm>
#include <cstddef>

#include "backends/shm/byte_ring.h"
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

// The express lane takes items of kExpressSlotBytes at most.
inline constexpr std::size_t kExpressSlotBytes = std::size_t{32} << 10;
constexpr LaneGeometries lane_geometries(int local_size) {
  LaneGeometries geometries{.express = domain_geometry(local_size),
                            .bulk = domain_geometry(local_size)};
  geometries.express.slot_bytes = std::min(geometries.bulk.slot_bytes, kExpressSlotBytes);
  return geometries;
}

// What a rank offers to all others at once, for one bank of a lane; slot_map.h. A small item's
// payload shares its line with flag 0; large ones start on a page, as the widest stores like it.
inline constexpr std::size_t kExpressBankSkip = 8;
inline constexpr std::size_t kExpressBankBytes = (std::size_t{64} << 10) - 64;
inline constexpr std::size_t kBulkBankSkip = kRingPageBytes;
inline constexpr std::size_t kBulkBankBytesMost = std::size_t{3} << 20;  // 3 chunks of 1 MiB
inline constexpr std::size_t kBulkBankBytesLeast = std::size_t{256} << 10;

constexpr std::size_t bulk_bank_bytes_for(int local_size) {
  const std::size_t share = (std::size_t{24} << 20) / static_cast<std::size_t>(local_size);
  return std::clamp(share / kRingPageBytes * kRingPageBytes, kBulkBankBytesLeast,
                    kBulkBankBytesMost);
}

// A rank's segment: pages with its sleep word, its flags and its word of the plan, the banks of all
// lanes, its outgoing
// rings to the other members of the domain, by their index among the members, and at last its
// outgoing control messages to them, of which only those from and to rank 0 are used.
struct DomainLayout {
  int local_size = 1;
  LaneGeometries geometry;
  std::size_t express_bank_bytes = kExpressBankBytes;
  std::size_t bulk_bank_bytes = 0;

  constexpr explicit DomainLayout(int size) : DomainLayout(size, size) {}
  // `largest` is the most ranks that any host of the job has. Banks are as large on all hosts: the
  // ranks of a schedule over several hosts cut a vector by them.
  constexpr DomainLayout(int size, int largest)
      : local_size(size),
        geometry(lane_geometries(size)),
        bulk_bank_bytes(bulk_bank_bytes_for(largest)) {}

  static constexpr std::size_t kFlagsOffset = kLineBytes;
  constexpr std::size_t flags_offset(Lane lane) const {
    return kFlagsOffset + lane_index(lane) * (kFlagCount + 1) * sizeof(FlagLine);
  }
  constexpr std::size_t done_offset(Lane lane) const {
    return flags_offset(lane) + kFlagCount * sizeof(FlagLine);
  }
  static constexpr std::size_t kStoppedOffset =
      kFlagsOffset + kLaneCount * (kFlagCount + 1) * sizeof(FlagLine);
  static constexpr std::size_t kWordOffset = kStoppedOffset + sizeof(FlagLine);
  static constexpr std::size_t kHeaderBytes = 2 * kRingPageBytes;
  constexpr std::size_t bank_bytes(Lane lane) const {
    return is_express(lane) ? express_bank_bytes : bulk_bank_bytes;
  }
  constexpr std::size_t bank_skip(Lane lane) const {
    return is_express(lane) ? kExpressBankSkip : kBulkBankSkip;
  }
  constexpr std::size_t bank_offset(Lane lane, std::size_t bank) const {
    return kHeaderBytes +
           before(lane, [this](Lane other) { return kBankCount * bank_stride(other); }) +
           bank * bank_stride(lane);
  }
  constexpr std::size_t segment_bytes() const {
    return control_offset() + static_cast<std::size_t>(local_size - 1) * kByteRingBytes;
  }
  // Of the control messages from member `from` to member `to`, in the segment of `from`.
  constexpr std::size_t control_offset(int from, int to) const {
    return control_offset() + place(from, to) * kByteRingBytes;
  }
  // Of the ring from member `from` to member `to`, in the segment of `from`.
  constexpr std::size_t ring_offset(int from, int to, Lane lane) const {
    return rings_offset() + place(from, to) * edge_bytes() +
           before(lane, [this](Lane other) { return ring_bytes(geometry[other]); });
  }

 private:
  // What the lanes before this one take together.
  template <typename BytesOf>
  static constexpr std::size_t before(Lane lane, const BytesOf& bytes_of) {
    std::size_t bytes = 0;
    for (const Lane other : kLanes) {
      if (other == lane) {
        break;
      }
      bytes += bytes_of(other);
    }
    return bytes;
  }
  static constexpr std::size_t place(int from, int to) {
    return static_cast<std::size_t>(to < from ? to : to - 1);
  }
  constexpr std::size_t control_offset() const {
    return rings_offset() + static_cast<std::size_t>(local_size - 1) * edge_bytes();
  }
  constexpr std::size_t bank_stride(Lane lane) const {
    const std::size_t bytes = bank_skip(lane) + bank_bytes(lane);
    return (bytes + kRingPageBytes - 1) / kRingPageBytes * kRingPageBytes;
  }
  constexpr std::size_t rings_offset() const {
    return bank_offset(kLanes.back(), 0) + kBankCount * bank_stride(kLanes.back());
  }
  constexpr std::size_t edge_bytes() const {
    return kLaneCount / 2 * (ring_bytes(geometry.express) + ring_bytes(geometry.bulk));
  }
};
static_assert(DomainLayout::kWordOffset + sizeof(FlagLine) <= DomainLayout::kHeaderBytes);

// Where the slots and flags of a rank lie whose segment starts at `segment`.
inline SlotMap::Member slot_member(const DomainLayout& layout, Lane lane, std::byte* segment) {
  SlotMap::Member member;
  for (std::size_t bank = 0; bank < kBankCount; ++bank) {
    member.banks[bank] = segment + layout.bank_offset(lane, bank);
  }
  member.flags = reinterpret_cast<FlagLine*>(segment + layout.flags_offset(lane));
  member.done = reinterpret_cast<FlagLine*>(segment + layout.done_offset(lane));
  member.stopped = reinterpret_cast<FlagLine*>(segment + DomainLayout::kStoppedOffset);
  member.word = reinterpret_cast<FlagLine*>(segment + DomainLayout::kWordOffset);
  return member;
}

}  // namespace hvd
