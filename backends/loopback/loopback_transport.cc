#include "backends/loopback/loopback_transport.h"

#include <cstring>
#include <new>
#include <utility>

#include "core/base/str.h"

namespace hvd {
namespace {

constexpr std::align_val_t kAlignment{kRingPageBytes};

std::size_t words_bytes(int rank_count) {
  const std::size_t bytes = static_cast<std::size_t>(rank_count) * sizeof(SleepWord);
  return (bytes + kRingPageBytes - 1) / kRingPageBytes * kRingPageBytes;
}

}  // namespace

LoopbackMemory::LoopbackMemory(int rank_count, const RingGeometry& geometry)
    : rank_count_(rank_count), geometry_(geometry) {
  const std::size_t pairs =
      static_cast<std::size_t>(rank_count) * static_cast<std::size_t>(rank_count);
  const std::size_t bytes = words_bytes(rank_count) + pairs * ring_bytes(geometry);
  memory_.reset(static_cast<std::byte*>(::operator new(bytes, kAlignment)));
  std::memset(memory_.get(), 0, bytes);
}

void LoopbackMemory::Release::operator()(std::byte* memory) const {
  ::operator delete(memory, kAlignment);
}

std::byte* LoopbackMemory::ring(Rank from, Rank to) const {
  const std::size_t pair = from.index() * static_cast<std::size_t>(rank_count_) + to.index();
  return memory_.get() + words_bytes(rank_count_) + pair * ring_bytes(geometry_);
}

SleepWord* LoopbackMemory::sleep_word(Rank rank) const {
  return reinterpret_cast<SleepWord*>(memory_.get()) + rank.index();
}

LoopbackTransport::LoopbackTransport(const LoopbackMemory& memory, Rank rank,
                                     std::vector<LoopbackDoor*> doors)
    : RingTransport(memory.rank_count(), memory.geometry(), memory.sleep_word(rank)),
      doors_(std::move(doors)) {
  for (int index = 0; index < memory.rank_count(); ++index) {
    const Rank peer(index);
    if (peer != rank) {
      connect(peer, {.outgoing = memory.ring(rank, peer),
                     .incoming = memory.ring(peer, rank),
                     .peer_sleep = memory.sleep_word(peer)});
    }
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
