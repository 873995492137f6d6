#include "backends/tcp/job_transport.h"

#include <algorithm>
#include <utility>

#include "backends/shm/shm_transport.h"

namespace hvd {

std::vector<RoutedTransport::Limits> common_limits(std::span<const int> host_of_rank) {
  std::vector<RoutedTransport::Limits> limits;
  for (const Lane lane : kLanes) {
    std::size_t bytes = TcpTransport::geometry(lane).chunk_bytes;
    int slots = TcpTransport::geometry(lane).slot_count;
    for (const int host : host_of_rank) {
      const auto local_size = std::count(host_of_rank.begin(), host_of_rank.end(), host);
      if (local_size > 1) {  // a rank alone on its host uses no rings
        const RingGeometry shared = lane_geometries(static_cast<int>(local_size))[lane];
        bytes = std::min(bytes, shared.slot_bytes);
        slots = std::min(slots, shared.slot_count);
      }
    }
    limits.push_back({.chunk_bytes_max = bytes, .slot_count = slots});
  }
  return limits;
}

Result<JobTransport> make_job_transport(std::unique_ptr<ShmDomain> domain,
                                        JobTransportOptions options, Poller& poller) {
  JobTransport job{.wires = nullptr, .tcp = nullptr, .host_of_rank = domain->domain_of_rank()};
  HVD_ASSIGN(job.wires, ShmTransport::create(std::move(domain), poller));
  const int own_host = job.host_of_rank[options.rank.index()];
  std::vector<bool> is_local;
  for (const int host : job.host_of_rank) {
    is_local.push_back(host == own_host);
  }
  std::vector<bool> remote = is_local;
  remote.flip();
  if (std::find(remote.begin(), remote.end(), true) == remote.end()) {
    return job;
  }
  HVD_ASSIGN(std::unique_ptr<TcpTransport> tcp,
             TcpTransport::create({.rank = options.rank,
                                   .records = options.records,
                                   .remote = std::move(remote),
                                   .secret = options.secret,
                                   .generation = options.generation,
                                   .listening = std::move(options.data_listening),
                                   .patience_seconds = options.patience_seconds},
                                  poller));
  job.tcp = tcp.get();
  job.wires = std::make_unique<RoutedTransport>(
      std::move(job.wires), std::move(tcp), std::move(is_local), common_limits(job.host_of_rank));
  return job;
}

}  // namespace hvd
