// backends/bootstrap/rank_record.h: what every rank tells all others about itself when it joins.
// Not here: how it travels (join.h).
// Threads: values.  Limits: kRankRecordTextBytesMax per text.
// Read next: join.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "backends/bootstrap/cores.h"
#include "backends/net/socket.h"
#include "collectives/measurements.h"
#include "core/base/bytes.h"
#include "core/base/status.h"

namespace hvd {

inline constexpr std::size_t kRankRecordTextBytesMax = 1024;

// HVD_CALIBRATION. The numbers are part of the wire.
enum class CalibrationMode : std::uint8_t { automatic = 0, force = 1, off = 2 };

struct RankRecord {
  int rank = -1;
  std::int64_t pid = 0;
  std::string host_name;
  std::string host_key;          // HVD_HOST_KEY
  std::string unix_socket_name;  // abstract name where ranks of this host find it; may be empty
  std::string version;           // of hvd
  CoreShare cores = {};          // what it may use
  Endpoint data = {};            // where it listens for ranks of other hosts; no host: nowhere
  bool deterministic = false;    // HVD_DETERMINISTIC
  CalibrationMode calibration = CalibrationMode::automatic;
  Measurements measured = {};  // of its host and network, kept from before
  friend bool operator==(const RankRecord&, const RankRecord&) = default;
};

// "host a, pid 4412", for error texts
std::string who_is(const RankRecord& record);

Bytes encode(const RankRecord& record);
Result<RankRecord> decode_rank_record(std::span<const std::byte> bytes);
Bytes encode(const std::vector<RankRecord>& records);
// Refuses a list that is not that of ranks 0 to rank_count - 1 in order.
Result<std::vector<RankRecord>> decode_rank_records(std::span<const std::byte> bytes,
                                                    int rank_count);

// All ranks must run the same hvd; the error names both versions and a rank of each.
Status check_versions(const std::vector<RankRecord>& records);
// All ranks must want the same results again, or none; the error names a rank of each.
Status check_deterministic(const std::vector<RankRecord>& records);

}  // namespace hvd
