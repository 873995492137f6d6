// collectives/tuning.h: the parameters by which a job chooses, from what was measured of it.
// Not here: measuring (backends/calibrate), choosing (selector.h).
// Threads: pure functions.  Limits: none.
// Read next: tuning.cc for the borders and their reasons.
#pragma once

#include <string>

#include "collectives/cost_model.h"
#include "collectives/measurements.h"
#include "collectives/selector.h"
#include "core/base/clock.h"

namespace hvd {

// Equal on all ranks of a job, and constant for it.
struct Tuning {
  CostParameters cost = {};
  HostTuning host = {};
  // How long a rank with a core of its own polls before it sleeps, where HVD_SPIN_MICROSECONDS
  // does not say it. 100 us: longer than a small collective on one host (10-30 us), and 0.1 % of a
  // core for a rank that waits in slices of 100 ms.
  Nanos spin = 100 * kMicrosecond;
  bool is_measured = false;          // anything of it
  bool is_network_measured = false;  // the model of the way between hosts is this job's own
};

// What is not measured keeps its default, and so does a border that would move by less than noise
// can move it: the defaults are what the published figures were measured with.
Tuning tuning_from(const Measurements& given);

// In one line, for people.
std::string tuning_text(const Tuning& tuning);

}  // namespace hvd
