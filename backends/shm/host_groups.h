// backends/shm/host_groups.h: which ranks share a host, from what each pair of ranks has proven.
// Not here: the proof (pair_exchange.h), local and cross ranks (bootstrap/topology.h).
// Threads: pure functions.  Limits: none.
// Read next: domain.h.
#pragma once

#include <span>
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

// The ranks with the same host as `rank`, itself included, in order.
std::vector<Rank> host_members(std::span<const int> host_of_rank, Rank rank);

// How many ranks the host with the most has.
int largest_host(std::span<const int> host_of_rank);

// Their way over the control star. Decoding refuses ranks that are none and lists out of order.
Bytes encode_peers(const std::vector<Rank>& peers);
Result<std::vector<Rank>> decode_peers(std::span<const std::byte> bytes, int rank_count);
Bytes encode_reports(const PeerReports& reports);
Result<PeerReports> decode_reports(std::span<const std::byte> bytes, int rank_count);
Bytes encode_hosts(std::span<const int> host_of_rank);
Result<std::vector<int>> decode_hosts(std::span<const std::byte> bytes, int rank_count);

}  // namespace hvd
