// tests/sim/program.h: random programs for all ranks: who submits what in which order, who waits
// when, which mistakes are made, who comes late, leaves early, stops or dies.
// Not here: running them and judging the outcome (sim_run.h).
// Threads: one.  Limits: none.  Read next: sim_run.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "core/config/config.h"
#include "core/vocabulary/request.h"

namespace hvd::sim {

enum class Wrong { nothing, shape, dtype, reduction, root, kind };

// One operation that all ranks do once: the `round`-th use of a name.
struct Use {
  CollectiveKind kind = CollectiveKind::allreduce;
  std::string name;
  Shape shape;
  DType dtype = DType::float32;
  ReduceOp op = ReduceOp::sum;
  Rank root;
  bool even = true;           // no splits are given
  Rank destination;           // of a message, whose source is `root`
  std::int32_t tag = 0;       // of a message
  std::uint64_t round = 0;    // which use of the name, from 0
  std::uint64_t unnamed = 0;  // Request::unnamed
  Nanos deadline = 0;
  Wrong wrong = Wrong::nothing;  // the mistake of one rank, or none
  Rank wrong_rank;
  std::optional<Rank> skipped_by;  // never submits it

  bool concerns(Rank rank) const {
    return kind != CollectiveKind::send || rank == root || rank == destination;
  }
};

struct Step {
  enum class Kind { submit, wait, think };
  Kind kind = Kind::think;
  std::size_t use = 0;
  Nanos pause = 0;
};

struct RankProgram {
  std::vector<Step> steps;
  bool leaves_early = false;  // after its last step, though others go on
};

struct Program {
  std::uint64_t seed = 0;
  Config config;
  Nanos message_delay_most = kMillisecond;
  bool words_by_message = false;
  std::vector<Use> uses;
  std::vector<RankProgram> ranks;
  // At most one of these.
  std::optional<Rank> killed;
  std::optional<Rank> frozen;   // for good
  std::optional<Rank> napping;  // frozen for less than the heartbeat limit
  Nanos trouble_after = 0;

  int rank_count() const { return static_cast<int>(ranks.size()); }
  bool anyone_leaves_early() const;
};

Program random_program(std::uint64_t seed);
// A rank that dies, stops for good or for a while, or leaves early; mostly none.
void add_trouble(Random& random, Program& program);
// What one rank gives to one use and gets from it, if the caller's memory is written.
struct UseMemory {
  std::vector<std::byte> input;
  std::vector<std::byte> output;
};
// `seed` decides the input's elements, which are small whole numbers.
Request request_of(const Use& use, Rank rank, int rank_count, std::uint64_t seed,
                   UseMemory& memory);
// Element `index` of a rank's input.
double element_of(std::uint64_t seed, Rank rank, std::size_t index);
// What a rank that is right asks for, without memory.
Request plain_request(const Use& use, Rank rank, int rank_count);

}  // namespace hvd::sim
