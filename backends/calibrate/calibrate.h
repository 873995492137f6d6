// backends/calibrate/calibrate.h: all ranks of a job come to the same measurements of its machines.
// Not here: what is measured (memory_probe.h, pair_probe.h), what follows (collectives/tuning.h).
// Threads: the one that runs init.  Limits: ~20 ms where anything is measured; nothing is sent or
// waited for where all was kept from before. Read next: calibrate.cc.
#pragma once

#include <string_view>
#include <vector>

#include "backends/bootstrap/rank_record.h"
#include "backends/calibrate/measurement_cache.h"
#include "backends/net/control_star.h"
#include "collectives/measurements.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/status.h"
#include "core/ports/data_plane.h"
#include "core/ports/idle.h"

namespace hvd {

// Of HVD_CALIBRATION; an error that names what is allowed.
Result<CalibrationMode> calibration_mode(std::string_view setting);

// Who measures what. The lowest rank of each host leads; it measures with the next rank of its host
// and with the leader of a neighbouring host: the first host's with the second's, the third's with
// the fourth's.
struct CalibrationRole {
  bool measures_memory = false;
  Rank host_peer;     // -1: none. the leader of the two is the lower rank
  Rank network_peer;  // -1: none; the same
  friend bool operator==(const CalibrationRole&, const CalibrationRole&) = default;
};

// What each rank does, from what all ranks know of each other; empty where nobody has anything to
// do. Rank 0's mode counts, and what the records of the leaders lack. HVD_DETERMINISTIC goes by the
// defaults.
std::vector<CalibrationRole> calibration_roles(const std::vector<RankRecord>& records,
                                               const std::vector<int>& host_of_rank);

struct CalibrationWorld {
  Rank rank;
  const std::vector<RankRecord>& records;
  const std::vector<int>& host_of_rank;  // numbers that are equal for ranks of one host
  DataPlane& plane;                      // in which nothing runs
  Idle& idle;
  ControlStar& star;
  const Clock& clock;
  const MeasurementCache& cache;  // the leader of a host keeps what it measured there
  double timeout_seconds = 30;    // HVD_START_TIMEOUT_SECONDS
};

// By all ranks together; the same value on each. An error where a rank cannot go on, then on all.
Result<Measurements> calibrate(const CalibrationWorld& world);

}  // namespace hvd
