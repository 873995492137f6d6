// collectives/algorithms.h: the table of all algorithms that schedules are made with.
// Not here: which one to take (selector.h), the algorithms themselves (generators/).
// Threads: pure functions.  Limits: the numbers of Algorithm are part of the wire.
// Read next: algorithms.cc.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "collectives/schedule.h"
#include "collectives/schedule_params.h"

namespace hvd {

// The numbers are part of the wire.
enum class Algorithm : std::uint8_t {
  ring = 1,
  recursive_doubling = 2,
  tree = 3,
  dissemination = 4,
  one_shot = 5,          // through slots: every rank combines everything
  two_shot = 6,          // through slots: every rank combines its share, then all collect
  slots = 7,             // through slots: every rank takes what it needs from the others' slots
  pairwise = 8,          // p - 1 exchanges with one partner each
  halving_doubling = 9,  // Rabenseifner
  chain = 10,
  linear = 11,        // everybody with the root
  direct = 12,        // one rank to one rank
  hierarchical = 13,  // in each host through slots, between hosts over edges
  arena = 14,         // tensors in shared memory are combined where they lie
  circulant = 15,     // halving and doubling around the ring, for any number of ranks
  adasum = 16,        // halving and doubling, with the dot products of whole vectors
  bruck = 17,         // small parts travel together, in log p rounds
  double_tree = 18,   // two trees, a half of the vector in each
  single_copy = 19,   // tensors are read where they lie, in the memory of other processes
};

// What must hold for the parameters, beside what check_params asks for.
enum AlgorithmNeeds : std::uint8_t {
  kNeedsSlots = 1,         // shared memory among the ranks of a host
  kNeedsOneHost = 2,       // all ranks are of one host
  kNeedsEqualCounts = 4,   // all parts are of one size
  kNeedsSeveralHosts = 8,  // it is another algorithm's work where there is but one
  kNeedsStripes = 16,      // slots that hold an element for each rank at least
  kNeedsArena = 32,        // all ranks' tensors lie in memory that all see
  kNeedsAdasum = 64,       // it combines as Adasum does; those without never do
  kNeedsReads = 128,       // the ranks may read one another's memory
};

// In which order the contributions to an element are combined, where that depends on nothing but
// the ranks and hosts (and the root): not on the element's place, nor on how long the vector is or
// in what chunks it goes. Rows of one kind and order give the same bits.
enum class CombiningOrder : std::uint8_t {
  any = 0,    // not said, or nothing is combined
  ranks = 1,  // from left to right
  halves =
      2,      // of each half of the ranks alike, then the lower half with the upper one; see fold.h
  hosts = 3,  // in each host from left to right, then the hosts as halves do
  tree = 4,   // up a binomial tree
  chain = 5,  // along the chain of ranks
};

// In double, which cannot overflow and is exact enough for a limit.
struct ScheduleSize {
  double rank_count;
  double elements;      // as Schedule::element_count
  double longest_part;  // of a rank
  double chunk_elements;
  double slot_elements;
};

struct AlgorithmRow {
  CollectiveKind kind;
  Algorithm algorithm;
  std::string_view name;  // as HVD_ALGORITHM has it
  Schedule (*make)(const ScheduleParams& params);
  double (*op_count_bound)(const ScheduleSize& size);  // ops of one rank, at most
  unsigned needs;                                      // AlgorithmNeeds
  std::string_view what;
};

// Of a row whose chunks are narrow on the wire or not, and with ScheduleParams::fixed_order. Proven
// for what the row is proven for at all.
CombiningOrder combining_order(const AlgorithmRow& row, bool narrow);

std::span<const AlgorithmRow> algorithm_rows();

// The row of a kind, or nullptr where it does not have this algorithm.
const AlgorithmRow* find_algorithm(CollectiveKind kind, Algorithm algorithm);
const AlgorithmRow* find_algorithm(CollectiveKind kind, std::string_view name);
// Of any kind; "unknown" where there is none.
std::string_view algorithm_name(Algorithm algorithm);

// Why a row's algorithm is not for these parameters, or "".
std::string_view unmet_need(const AlgorithmRow& row, const ScheduleParams& params);

}  // namespace hvd
