// core/config/config.h: every setting of hvd, one member each, read once from an Environment.
// Not here: the rows with names, aliases, defaults and documentation (settings_table.h).
// Threads: constant after construction.  Limits: none.
// Read next: settings_table.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/config/environment.h"

namespace hvd {

struct Config {
  // Identity and meeting place; -1 and "" mean "not given". backends/bootstrap judges them.
  std::int64_t rank = -1;
  std::int64_t size = -1;
  std::int64_t local_rank = -1;
  std::int64_t local_size = -1;
  std::int64_t cross_rank = -1;
  std::int64_t cross_size = -1;
  std::string rendezvous_addr;
  std::int64_t rendezvous_port = 0;
  std::string launcher;
  std::string host_key;
  // Secret of the job.
  std::string secret_hex;
  std::int64_t secret_fd = -1;
  std::string secret_file;
  bool insecure = false;
  // Waiting.
  double start_timeout_seconds = 30;
  double stall_warning_seconds = 10;
  double deadline_seconds = 0;
  double heartbeat_seconds = 30;
  std::int64_t spin_microseconds = -1;
  // Data.
  std::int64_t fusion_bytes_max = 0;
  std::string algorithm;
  std::int64_t arena_bytes = 0;
  std::int64_t chunk_bytes = 0;
  std::string wire_dtype;
  std::string single_copy;
  bool deterministic = false;
  std::int64_t plan_cycles = 2;
  std::string calibration;
  std::string cache_dir;
  // Speaking.
  std::string log_level;

  // Names of the variables that were set, as they were found (the alias if it was the alias).
  std::vector<std::string> given;
};

// Reads every row of the table. A value that does not parse or is out of range is an error that
// names the variable, the value and what is allowed.
Result<Config> read_config(const Environment& environment);

}  // namespace hvd
