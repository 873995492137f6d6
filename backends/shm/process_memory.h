// backends/shm/process_memory.h: reads the memory of ranks of this host by process_vm_readv.
// Not here: which ranks agree to it (domain.cc), what is read (engine/peer_parts.h).
// Threads: baton holder only, after set-up.  Limits: processes that this one sees and may read.
// Read next: docs/decisions/0012-single-copy.md.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "backends/engine/memory_reader.h"
#include "backends/net/fd.h"

namespace hvd {

using ProbeWord = std::array<std::uint64_t, 2>;

class ProcessMemory final : public MemoryReader {
 public:
  explicit ProcessMemory(int rank_count) : peers_(static_cast<std::size_t>(rank_count)) {}

  // The process at the other end of a Unix socket, under the number that it has in this process's
  // own pid namespace; proven by reading `word`, which that process alone can know to lie at
  // `address`. Else the reason, which is no failure of anything else.
  Status add(Rank peer, std::string who, int socket, std::uint64_t address, const ProbeWord& word);
  // The ranks of this very process; where the system lets nobody read at all, not even itself, the
  // reason.
  Status add_this_process();

  Status read(Rank peer, std::span<const ReadPiece> pieces) override;
  Status has_lived(Rank peer) override;
  bool can_be_read(const std::byte* memory, std::size_t byte_count) const override;
  void for_each_fd(const std::function<void(int)>& visit) const;

 private:
  Status died(Rank peer) const;
  struct Peer {
    pid_t pid = 0;
    Fd process;       // readable once it has ended; none of this process itself
    std::string who;  // "rank 2 (host a, pid 4412)"
  };
  std::vector<Peer> peers_;  // by rank
};

}  // namespace hvd
