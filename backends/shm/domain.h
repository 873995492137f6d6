// backends/shm/domain.h: the ranks of one host find, prove and map each other's memory.
// Not here: what two ranks say (pair_exchange.h), chunks (shm_transport.h).
// Threads: the one that runs init; a ShmDomain is constant.  Limits: blocks up to the start
// timeout. Read next: host_groups.h, pair_exchange.h, then domain.cc.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "backends/bootstrap/rank_record.h"
#include "backends/engine/arena_map.h"
#include "backends/net/control_star.h"
#include "backends/net/fd.h"
#include "backends/net/secret.h"
#include "backends/shm/arena.h"
#include "backends/shm/domain_layout.h"
#include "backends/shm/host_groups.h"
#include "backends/shm/pair_exchange.h"
#include "backends/shm/process_memory.h"
#include "core/base/clock.h"
#include "core/base/status.h"

namespace hvd {

// Before join: where the others of this host will find this rank. Its name is random, lives in the
// abstract namespace and travels in the RankRecord, over authenticated connections only.
class DomainListener {
 public:
  static Result<DomainListener> open();
  const std::string& name() const { return name_; }
  Fd take_socket() { return std::move(socket_); }

 private:
  std::string name_;
  Fd socket_;
};

struct DomainOptions {
  Rank rank;
  std::vector<RankRecord> records;  // by rank, as join_job() gives them
  const Secret& secret;
  int doorbell_fd = -1;  // an eventfd; whoever writes to it wakes this rank. stays the caller's
  double timeout_seconds = 30;  // HVD_START_TIMEOUT_SECONDS
  const Clock& clock;
  // Tensors in it can be reached by the others of this host. null: this rank has none.
  std::shared_ptr<Arena> arena = nullptr;
  bool single_copy = true;  // HVD_SINGLE_COPY; false on one rank is false on all
};

// What this rank shares with the ranks of its host. Holds mappings, the peers' doorbells, and the
// sockets over which they were handed over: their end tells that a peer is gone. The memfds are
// closed.
class ShmDomain {
 public:
  struct Member {
    Rank rank;
    Segment segment;
    Fd doorbell;         // none for this rank itself
    Fd socket;           // none for this rank itself; ends when the peer's process does
    Segment arena = {};  // none for this rank itself
  };
  // How the ranks read one another's memory, or why they do not.
  struct Reads {
    std::unique_ptr<ProcessMemory> memory = nullptr;
    std::string why_not = {};
  };
  // Why something is not as it could be; empty in a good run.
  struct Remarks {
    std::string apart;  // of pairs of ranks that reached each other and did not prove the rest
    std::string lack;   // of ranks that have no memory to share, in words for the user; the root's
  };
  ShmDomain(Rank self, std::vector<RankRecord> records, HostGroups groups,
            std::vector<Member> members, std::shared_ptr<Arena> arena, Reads reads,
            Remarks remarks);

  Rank self() const { return self_; }
  int rank_count() const { return static_cast<int>(records_.size()); }
  // The lowest rank of each rank's host, the same on all ranks; for bootstrap/topology.h.
  const std::vector<int>& host_of_rank() const { return groups_.host_of_rank; }
  // Of those with which it shares memory: the same, but for hosts where some rank has none.
  const std::vector<int>& domain_of_rank() const { return groups_.domain_of_rank; }
  const std::vector<Member>& members() const { return members_; }  // in order, this rank included
  const DomainLayout& layout() const { return layout_; }
  std::byte* ring(int from_member, int to_member, Lane lane) const;
  // Between rank 0 and each other rank of its host; none on other hosts.
  std::vector<ControlChannel> control_channels() const;
  SlotMap slot_map(Lane lane) const;
  Arena& arena() { return *arena_; }  // this rank's own
  ArenaMap arena_map() const;         // of no rank, if this one cannot see them all
  const Reads& reads() const { return reads_; }
  SleepWord* sleep_word(int member) const;
  std::string who(Rank rank) const;  // "rank 2 (host a, pid 4412)"
  const Remarks& remarks() const { return remarks_; }
  void for_each_fd(const std::function<void(int)>& visit) const;

 private:
  Rank self_;
  std::vector<RankRecord> records_;
  HostGroups groups_;
  std::vector<Member> members_;
  std::shared_ptr<Arena> arena_;  // this rank's own
  Reads reads_;
  DomainLayout layout_;
  Remarks remarks_;
};

// After join, by all ranks together. A pair of ranks shares a host if each has read a random word
// out of memory that the other handed over a Unix socket, and HVD_HOST_KEY is the same for both;
// the root fixes the outcome for all. Where a rank of a host has no memory to share, all of that
// host go without. Fails only if a rank that is awaited does not come, if not even the little can
// be had that one needs to find the others, or if the star breaks.
Result<std::unique_ptr<ShmDomain>> form_domain(DomainListener listener,
                                               const DomainOptions& options, ControlStar& star);

}  // namespace hvd
