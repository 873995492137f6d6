#include "backends/loopback/loopback_transport.h"

#include <cstring>
#include <new>
#include <utility>

#include "core/base/str.h"

namespace hvd {
namespace {

constexpr std::align_val_t kAlignment{kRingPageBytes};

DomainLayout layout_of(int rank_count, const RingGeometry& geometry) {
  DomainLayout layout(rank_count);
  layout.geometry = {.express = geometry, .bulk = geometry};
  layout.bulk_bank_bytes = static_cast<std::size_t>(geometry.slot_count) * geometry.slot_bytes;
  layout.express_bank_bytes = layout.bulk_bank_bytes;
  return layout;
}

}  // namespace

LoopbackMemory::LoopbackMemory(int rank_count, const RingGeometry& geometry)
    : layout_(layout_of(rank_count, geometry)) {
  const std::size_t bytes = static_cast<std::size_t>(rank_count) * layout_.segment_bytes();
  memory_.reset(static_cast<std::byte*>(::operator new(bytes, kAlignment)));
  std::memset(memory_.get(), 0, bytes);
}

void LoopbackMemory::Release::operator()(std::byte* memory) const {
  ::operator delete(memory, kAlignment);
}

std::byte* LoopbackMemory::segment(Rank rank) const {
  return memory_.get() + rank.index() * layout_.segment_bytes();
}

std::byte* LoopbackMemory::ring(Rank from, Rank to, Lane lane) const {
  return segment(from) + layout_.ring_offset(from.value, to.value, lane);
}

SlotMap LoopbackMemory::slot_map(Lane lane) const {
  SlotMap map{layout_.bank_bytes(lane), layout_.bank_skip(lane), {}};
  for (int rank = 0; rank < rank_count(); ++rank) {
    map.members.push_back(slot_member(layout_, lane, segment(Rank{rank})));
  }
  return map;
}

SleepWord* LoopbackMemory::sleep_word(Rank rank) const {
  return reinterpret_cast<SleepWord*>(segment(rank));
}

LoopbackTransport::LoopbackTransport(const LoopbackMemory& memory, Rank rank,
                                     std::vector<LoopbackDoor*> doors)
    : RingTransport(memory.rank_count(), memory.geometry(), memory.sleep_word(rank)),
      doors_(std::move(doors)),
      own_memory_(memory.rank_count()) {
  for (int index = 0; index < memory.rank_count(); ++index) {
    const Rank peer(index);
    const auto edge = [&](Lane lane) {
      return EdgeMemory{.outgoing = memory.ring(rank, peer, lane),
                        .incoming = memory.ring(peer, rank, lane)};
    };
    if (peer != rank) {
      connect(peer, {edge(kLanes[0]), edge(kLanes[1]), edge(kLanes[2]), edge(kLanes[3])},
              memory.sleep_word(peer));
    }
  }
  for (const Lane lane : kLanes) {
    share_slots(lane, memory.slot_map(lane));
  }
  if (memory.rank_count() > 1 && own_memory_.add_this_process().ok()) {
    share_memory(&own_memory_);
  }
}

std::string LoopbackTransport::description() const {
  if (doors_.size() == 1) {
    return "no transport: one rank alone";
  }
  return str("loopback among ", doors_.size(), " ranks of one process");
}

std::string LoopbackTransport::unreachable_text(Rank peer) const {
  return str("rank ", peer, " is not among the ", doors_.size(), " ranks of this process");
}

}  // namespace hvd
