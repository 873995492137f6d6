// backends/shm/host_groups.h: which ranks share a host, from what each pair of ranks has proven.
// Not here: the proof (pair_exchange.h), memory (segment.h), local and cross ranks
// (bootstrap/topology.h). Threads: pure functions.  Limits: none. Read next: domain.h.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/status.h"
#include "core/vocabulary/rank.h"

namespace hvd {

// For every rank the ranks that it reports: those it reached, or those it shares memory with.
using PeerReports = std::vector<std::vector<Rank>>;

// The lowest rank of each rank's host. A pair counts only if both sides proved it, and a host is a
// set of ranks of which each pair counts: taken greedily, lowest ranks first.
std::vector<int> fix_hosts(const PeerReports& proven);

// Memory is shared by the ranks of a host, or by none of them if one of them has a reason in
// `lacks` (by rank) why it has no memory: then each is a domain of its own, for schedules reckon
// with every rank of a host. By rank the lowest rank of its domain.
std::vector<int> fix_domains(std::span<const int> host_of_rank, std::span<const std::string> lacks);

// Whether each rank reports every other rank of its domain.
bool all_neighbours_reported(const PeerReports& reports, std::span<const int> domain_of_rank);

// The ranks with the same host as `rank`, itself included, in order.
std::vector<Rank> host_members(std::span<const int> host_of_rank, Rank rank);

// How many ranks the host with the most has.
int largest_host(std::span<const int> host_of_rank);

// Their way over the control star. Decoding refuses ranks that are none and lists out of order.
Bytes encode_peers(const std::vector<Rank>& peers);
Result<std::vector<Rank>> decode_peers(std::span<const std::byte> bytes, int rank_count);
Bytes encode_reports(const PeerReports& reports);
Result<PeerReports> decode_reports(std::span<const std::byte> bytes, int rank_count);
// What one rank reports when it has met the others.
struct MemoryReport {
  std::vector<Rank> proven;
  std::string
      lack;  // why it cannot share memory with them all the same; cut to a few hundred bytes
};
Bytes encode_memory_report(const MemoryReport& report);
Result<MemoryReport> decode_memory_report(std::span<const std::byte> bytes, int rank_count);
// What the root makes of it.
struct HostGroups {
  std::vector<int> host_of_rank;    // which share a host
  std::vector<int> domain_of_rank;  // which share memory
};
Bytes encode_groups(const HostGroups& groups);
Result<HostGroups> decode_groups(std::span<const std::byte> bytes, int rank_count);
Bytes encode_verdict(bool yes);
Result<bool> decode_verdict(std::span<const std::byte> bytes);

}  // namespace hvd
