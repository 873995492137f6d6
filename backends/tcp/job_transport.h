// backends/tcp/job_transport.h: the wires of a rank: shared memory on its host, TCP to the others.
// Not here: the wires themselves (../shm/shm_transport.h, tcp_transport.h).
// Threads: the one that runs init.  Limits: none.
// Read next: ../engine/routed_transport.h.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "backends/bootstrap/rank_record.h"
#include "backends/engine/routed_transport.h"
#include "backends/net/fd.h"
#include "backends/net/poller.h"
#include "backends/net/secret.h"
#include "backends/shm/domain.h"
#include "backends/tcp/tcp_transport.h"

namespace hvd {

struct JobTransport {
  std::unique_ptr<Transport> wires;
  TcpTransport* tcp = nullptr;    // inside `wires`; null where all ranks share one host
  std::vector<int> host_of_rank;  // the lowest rank of each rank's host
};

struct JobTransportOptions {
  Rank rank;
  const std::vector<RankRecord>& records;
  const Secret& secret;
  std::uint64_t generation = 0;
  Fd data_listening;             // as join_job() gave it; closed where nobody will come
  double patience_seconds = 30;  // as in TcpOptions
};

Result<JobTransport> make_job_transport(std::unique_ptr<ShmDomain> domain,
                                        JobTransportOptions options, Poller& poller);

// What a chunk may be on every wire of the job, by lane: all ranks come to the same answer.
std::vector<RoutedTransport::Limits> common_limits(std::span<const int> host_of_rank);

}  // namespace hvd
