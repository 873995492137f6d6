// tests/sim/sim_run.h: runs a program in a SimWorld and judges what came out.
// Not here: making programs (program.h).  Threads: one.  Limits: kVirtualTimeMost a run.
// Read next: sim_test.cc.
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "tests/sim/program.h"
#include "tests/sim/sim_world.h"

namespace hvd::sim {

inline constexpr Nanos kVirtualTimeMost = 3600 * kSecond;
inline constexpr Nanos kLeaveMost = 600 * kSecond;

// What became of one use on one rank.
struct UseResult {
  bool ended = false;
  bool refused = false;  // at submission
  Status status;
  Time submitted_at = 0;
  Time ended_at = 0;
};

struct RunResult {
  std::vector<std::string> failures;  // empty: everything was as it must be
  std::size_t ok_count = 0;
  std::size_t mismatch_count = 0;
  std::size_t deadline_count = 0;
  std::size_t ended_count = 0;  // peer_ended, or this rank's own leaving
  std::size_t aborted_count = 0;
  std::size_t warning_count = 0;
  std::size_t plan_count = 0;  // of the root, and so the next two
  std::size_t thaw_count = 0;
  std::size_t planned_count = 0;
  // Of each kind, how many results were compared with what they must be.
  std::array<std::size_t, kCollectiveKindCount> checked_count = {};
  std::size_t root_received_count = 0;  // control messages of all other ranks
  std::size_t root_sent_count = 0;
  std::size_t root_sent_bytes = 0;
};

RunResult run_program(const Program& program);

}  // namespace hvd::sim
