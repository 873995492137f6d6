// bindings/c/info.h: what hvd_info says, as JSON.
// Not here: collecting it (runtime.cc).
// Threads: pure functions.  Limits: none.
// Read next: runtime.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backends/bootstrap/topology.h"
#include "core/config/config.h"
#include "core/stages/coordinator.h"

namespace hvd {

struct InfoSource {
  int rank = 0;
  int size = 1;
  RankPlace place;
  std::string identity_source;  // "hvdrun", "HVD_RANK and HVD_SIZE", ...
  std::string secret_source;
  std::string data_plane;   // "shared memory among 2 ranks: ..."
  std::string calibration;  // what the choice of algorithms goes by; equal on all ranks
  std::uint64_t tcp_bytes_sent = 0;
  std::uint64_t tcp_bytes_received = 0;
  const Config& config;
  const Coordinator::Counters& counters;
};

// Settings are those that were given, by the name under which they were found; secrets only as
// "given".
std::string info_json(const InfoSource& source);

}  // namespace hvd
