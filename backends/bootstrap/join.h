// backends/bootstrap/join.h: all ranks of a job meet: the control star and everybody's record.
// Not here: who this rank is (identity.h), data transports (they use the star to set themselves
// up). Threads: the one that runs init; blocks until the start timeout.  Limits: none. Read next:
// core/ports/control_plane.h.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "backends/bootstrap/identity.h"
#include "backends/bootstrap/job_secret.h"
#include "backends/bootstrap/rank_record.h"
#include "backends/net/control_star.h"
#include "backends/net/fd.h"
#include "backends/net/poller.h"
#include "core/base/log.h"
#include "core/base/status.h"
#include "core/config/config.h"

namespace hvd {

struct JoinOptions {
  const Identity& identity;
  const Config& config;
  const JobSecret& secret;
  std::uint64_t generation = 0;  // how many times this process has joined before
  Poller& poller;                // its clock counts the start timeout
  const Logger& logger;
  std::string unix_socket_name;  // where this rank listens for ranks of its host; may be empty
  std::string version;           // of hvd; must be equal on all ranks
  CalibrationMode calibration = CalibrationMode::automatic;
  Measurements measured = {};  // as RankRecord has it
};

struct Joined {
  std::unique_ptr<ControlStar> star;
  std::vector<RankRecord> records;  // by rank
  Fd data_listening;                // where this rank's record says; none if it is alone
};

// Under hvdrun, rank 0 listens at a port that the kernel chose and publishes it at the rendezvous;
// else it listens at HVD_RENDEZVOUS_ADDR and HVD_RENDEZVOUS_PORT itself. The others connect. When
// everybody is there the listening socket closes. One rank alone opens nothing.
Result<Joined> join_job(const JoinOptions& options);

}  // namespace hvd
