#include "backends/shm/host_groups.h"

#include <algorithm>

namespace hvd {
namespace {

constexpr std::size_t kLackBytesMax = 512;

bool contains(const std::vector<Rank>& ranks, Rank rank) {
  return std::find(ranks.begin(), ranks.end(), rank) != ranks.end();
}

Status malformed(std::string_view what) {
  return error(StatusCode::aborted, "forming the shared memory domain: the message with ", what,
               " is malformed. do all ranks run the same version of hvd?");
}

std::vector<Rank> get_peers(ByteReader& reader) {
  std::vector<Rank> peers(reader.get_count(sizeof(std::int32_t)));
  for (Rank& peer : peers) {
    peer = Rank{reader.get<std::int32_t>()};
  }
  return peers;
}

void put_peers(ByteWriter& writer, const std::vector<Rank>& peers) {
  writer.put(static_cast<std::uint32_t>(peers.size()));
  for (const Rank peer : peers) {
    writer.put(std::int32_t{peer.value});
  }
}

bool rising_ranks(const std::vector<Rank>& ranks, int rank_count) {
  Rank last{-1};
  for (const Rank rank : ranks) {
    if (rank <= last || rank.value >= rank_count) {
      return false;
    }
    last = rank;
  }
  return true;
}

}  // namespace

std::vector<int> fix_hosts(const PeerReports& proven) {
  const int rank_count = static_cast<int>(proven.size());
  const auto both = [&](int a, int b) {
    return contains(proven[static_cast<std::size_t>(a)], Rank{b}) &&
           contains(proven[static_cast<std::size_t>(b)], Rank{a});
  };
  std::vector<int> host_of_rank(proven.size(), -1);
  for (int lowest = 0; lowest < rank_count; ++lowest) {
    if (host_of_rank[static_cast<std::size_t>(lowest)] >= 0) {
      continue;
    }
    std::vector<int> members = {lowest};
    for (int rank = lowest + 1; rank < rank_count; ++rank) {
      if (host_of_rank[static_cast<std::size_t>(rank)] < 0 &&
          std::all_of(members.begin(), members.end(),
                      [&](int member) { return both(rank, member); })) {
        members.push_back(rank);
      }
    }
    for (const int member : members) {
      host_of_rank[static_cast<std::size_t>(member)] = lowest;
    }
  }
  return host_of_rank;
}

std::vector<int> fix_domains(std::span<const int> host_of_rank,
                             std::span<const std::string> lacks) {
  std::vector<int> domain_of_rank(host_of_rank.begin(), host_of_rank.end());
  for (std::size_t lacking = 0; lacking < lacks.size(); ++lacking) {
    for (std::size_t rank = 0; !lacks[lacking].empty() && rank < host_of_rank.size(); ++rank) {
      if (host_of_rank[rank] == host_of_rank[lacking]) {
        domain_of_rank[rank] = static_cast<int>(rank);
      }
    }
  }
  return domain_of_rank;
}

bool all_neighbours_reported(const PeerReports& reports, std::span<const int> domain_of_rank) {
  for (std::size_t rank = 0; rank < reports.size(); ++rank) {
    for (const Rank other : host_members(domain_of_rank, Rank(rank))) {
      if (other != Rank(rank) && !contains(reports[rank], other)) {
        return false;
      }
    }
  }
  return true;
}

int largest_host(std::span<const int> host_of_rank) {
  std::vector<int> sizes(host_of_rank.size());
  for (const int host : host_of_rank) {
    ++sizes[static_cast<std::size_t>(host)];
  }
  return sizes.empty() ? 0 : *std::max_element(sizes.begin(), sizes.end());
}

std::vector<Rank> host_members(std::span<const int> host_of_rank, Rank rank) {
  std::vector<Rank> members;
  for (std::size_t other = 0; other < host_of_rank.size(); ++other) {
    if (host_of_rank[other] == host_of_rank[rank.index()]) {
      members.emplace_back(other);
    }
  }
  return members;
}

Bytes encode_peers(const std::vector<Rank>& peers) {
  ByteWriter writer;
  put_peers(writer, peers);
  return writer.take();
}

Result<std::vector<Rank>> decode_peers(std::span<const std::byte> bytes, int rank_count) {
  ByteReader reader(bytes);
  std::vector<Rank> peers = get_peers(reader);
  if (!reader.finished() || !rising_ranks(peers, rank_count)) {
    return malformed("a rank's peers");
  }
  return peers;
}

Bytes encode_reports(const PeerReports& reports) {
  ByteWriter writer;
  for (const std::vector<Rank>& peers : reports) {
    put_peers(writer, peers);
  }
  return writer.take();
}

Result<PeerReports> decode_reports(std::span<const std::byte> bytes, int rank_count) {
  ByteReader reader(bytes);
  PeerReports reports(static_cast<std::size_t>(rank_count));
  for (std::vector<Rank>& peers : reports) {
    peers = get_peers(reader);
    if (!rising_ranks(peers, rank_count)) {
      return malformed("the peers of all ranks");
    }
  }
  if (!reader.finished()) {
    return malformed("the peers of all ranks");
  }
  return reports;
}

Bytes encode_verdict(bool yes) {
  return ByteWriter().put(static_cast<std::uint8_t>(yes ? 1 : 0)).take();
}

Result<bool> decode_verdict(std::span<const std::byte> bytes) {
  ByteReader reader(bytes);
  const auto verdict = reader.get<std::uint8_t>();
  if (!reader.finished() || verdict > 1) {
    return malformed("the root's verdict");
  }
  return verdict == 1;
}

Bytes encode_memory_report(const MemoryReport& report) {
  ByteWriter writer;
  put_peers(writer, report.proven);
  writer.put_string(std::string_view(report.lack).substr(0, kLackBytesMax));
  return writer.take();
}

Result<MemoryReport> decode_memory_report(std::span<const std::byte> bytes, int rank_count) {
  ByteReader reader(bytes);
  MemoryReport report;
  report.proven = get_peers(reader);
  report.lack = reader.get_string(kLackBytesMax);
  if (!reader.finished() || !rising_ranks(report.proven, rank_count)) {
    return malformed("a rank's peers and memory");
  }
  return report;
}

Bytes encode_groups(const HostGroups& groups) {
  ByteWriter writer;
  for (const std::vector<int>* ranks : {&groups.host_of_rank, &groups.domain_of_rank}) {
    for (const int rank : *ranks) {
      writer.put(std::int32_t{rank});
    }
  }
  return writer.take();
}

Result<HostGroups> decode_groups(std::span<const std::byte> bytes, int rank_count) {
  ByteReader reader(bytes);
  HostGroups groups;
  bool valid = true;
  for (std::vector<int>* ranks : {&groups.host_of_rank, &groups.domain_of_rank}) {
    ranks->resize(static_cast<std::size_t>(rank_count));
    for (int rank = 0; rank < rank_count; ++rank) {
      const int lowest = reader.get<std::int32_t>();
      (*ranks)[static_cast<std::size_t>(rank)] = lowest;
      // The lowest rank of a host or domain names it, so it is a rank that names itself.
      valid = valid && lowest >= 0 && lowest <= rank &&
              (*ranks)[static_cast<std::size_t>(lowest)] == lowest;
    }
  }
  for (std::size_t rank = 0; valid && rank < groups.host_of_rank.size(); ++rank) {
    const int domain = groups.domain_of_rank[rank];
    valid = domain == groups.host_of_rank[rank] || domain == static_cast<int>(rank);
  }
  if (!reader.finished() || !valid) {
    return malformed("the hosts of all ranks");
  }
  return groups;
}

}  // namespace hvd
