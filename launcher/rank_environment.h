// launcher/rank_environment.h: the environment that each rank gets, from the one hvdrun has.
// Not here: reading the environment (core/config/environment.h), the secret's bytes (job.h).
// Threads: pure functions, any thread.  Limits: one host.
// Read next: child.h.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/environment.h"
#include "launcher/options.h"

namespace hvd {

// What all ranks of a job have in common.
struct JobIdentity {
  int rank_count = 0;
  std::string rendezvous_addr;
  std::uint16_t rendezvous_port = 0;
  int secret_fd = -1;          // the descriptor's number inside the ranks
  std::optional<int> threads;  // OMP_NUM_THREADS, if hvdrun chooses it
};

using Variables = std::map<std::string, std::string>;

// True for variables that tell a process which rank it is or how to meet the others: those of an
// outer launcher would contradict hvdrun's.
bool is_foreign_identity(std::string_view name);

// What hvdrun adds for `rank`.
Variables variables_of_rank(int rank, const JobIdentity& job, const LaunchOptions& options);

// The whole environment of `rank`: what hvdrun has, less foreign identity, plus variables_of_rank.
Variables environment_of_rank(int rank, const JobIdentity& job, const LaunchOptions& options,
                              const Environment& outer);

// Names that are left out, sorted.
std::vector<std::string> stripped_names(const Environment& outer);

}  // namespace hvd
