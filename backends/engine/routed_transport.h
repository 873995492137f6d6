// backends/engine/routed_transport.h: one wire to the ranks of the own host, another to the others.
// Not here: the wires (../shm, ../tcp); which rank is where (../shm/domain.h).
// Threads: baton holder only.  Limits: those that all ranks of the job have in common.
// Read next: transport.h.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "backends/engine/transport.h"

namespace hvd {

class RoutedTransport final : public Transport {
 public:
  struct Limits {
    std::size_t chunk_bytes_max = 0;
    int slot_count = 0;
  };

  // `local` serves the ranks with is_local, itself among them, `remote` the others. Limits, by
  // lane, must be equal on all ranks: a chunk that the root chooses passes every wire of the job.
  RoutedTransport(std::unique_ptr<Transport> local, std::unique_ptr<Transport> remote,
                  std::vector<bool> is_local, std::vector<Limits> limits);

  std::span<std::byte> begin_send(Rank peer, Lane lane) override {
    const std::span<std::byte> slot = to(peer).begin_send(peer, lane);
    return slot.first(std::min(slot.size(), chunk_bytes_max(lane)));
  }
  void commit_send(Rank peer, Lane lane, const ChunkHeader& header) override {
    to(peer).commit_send(peer, lane, header);
  }
  bool send_from(Rank peer, Lane lane, const ChunkHeader& header,
                 std::span<const std::span<const std::byte>> pieces) override {
    return to(peer).send_from(peer, lane, header, pieces);
  }
  void offer(Rank peer, Lane lane, std::uint64_t sequence, std::span<std::byte> memory) override {
    to(peer).offer(peer, lane, sequence, memory);
  }
  void withdraw_offers() override {
    local_->withdraw_offers();
    remote_->withdraw_offers();
  }
  std::optional<IncomingChunk> peek(Rank peer, Lane lane) override {
    return to(peer).peek(peer, lane);
  }
  void release(Rank peer, Lane lane) override { to(peer).release(peer, lane); }
  // Ranks of other hosts are not reached() in it.
  const SlotMap* slot_map(Lane lane) const override { return local_->slot_map(lane); }
  const ArenaMap* arena_map() const override { return local_->arena_map(); }
  MemoryReader* memory_reader() override { return local_->memory_reader(); }
  void notify(Rank peer) override { to(peer).notify(peer); }
  Status reaches(Rank peer) const override { return to(peer).reaches(peer); }
  Status health(Rank peer) const override { return to(peer).health(peer); }
  bool gone(Rank peer) const override { return to(peer).gone(peer); }
  void leave_to_peers(const std::byte* memory, std::size_t bytes) override {
    local_->leave_to_peers(memory, bytes);
  }
  std::size_t chunk_bytes_max(Lane lane) const override {
    return limits_[lane_index(lane)].chunk_bytes_max;
  }
  int slot_count(Lane lane) const override { return limits_[lane_index(lane)].slot_count; }
  // A link takes longer to answer than a core: with two chunks under way it stands still between
  // them (16 MiB over 1 Gbit/s on busy hosts: 84 % of the line rate).
  int send_ahead(Lane lane) const override { return slot_count(lane); }
  bool delivered() const override { return local_->delivered() && remote_->delivered(); }
  void prepare_sleep() override;
  void end_sleep() override;
  std::string description() const override;
  void for_each_fd(const std::function<void(int)>& visit) const override;

 private:
  Transport& to(Rank peer) const { return is_local_[peer.index()] ? *local_ : *remote_; }

  const std::unique_ptr<Transport> local_;
  const std::unique_ptr<Transport> remote_;
  const std::vector<bool> is_local_;
  const std::vector<Limits> limits_;  // by lane
};

}  // namespace hvd
