// tests/collectives/algorithm_cases.h: for which parameters each row of the registry is verified.
// Not here: the verifier, damage (mutations.h).
// Threads: one.  Limits: see Extent.
// Read next: algorithm_cases.cc, verify_algorithms_test.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "collectives/algorithms.h"
#include "collectives/schedule.h"
#include "core/base/random.h"

namespace hvd {

// What one job asks a row for. Of a send or recv, `params` has the element count.
struct AlgorithmCase {
  const AlgorithmRow* row = nullptr;
  ScheduleParams params;  // of all ranks alike; alltoall: see `sent`
  int edge_slot_count = 1;
  std::vector<std::vector<std::uint64_t>> sent;  // alltoall: by each rank to each
  Rank sender;                                   // send, recv
  Rank receiver;
};

std::vector<Schedule> schedules_of(const AlgorithmCase& one);
std::string case_text(const AlgorithmCase& one);

enum class Extent : std::uint8_t {
  probe,   // two sizes of each row
  sample,  // a few dozen cases of each row and rank count
  quick,   // all sizes; of factors, in place and roots, one or two of the combinations each
  full,    // all sizes with all combinations
};

// The cases of a row on p ranks: 1 to 2 * slots + 1 chunks of the vector and of a part of it, slots
// of an edge and places in shared memory from 1 up, n around 0, 1 and p and divided by nothing,
// parts that are equal, ragged, empty but for one; hosts with unequal numbers of ranks.
void for_cases(const AlgorithmRow& row, int rank_count, Extent extent,
               const std::function<void(const AlgorithmCase&)>& use);

// Small parameters of any kind, for a row that is to be damaged. The rank count is 2 to
// `rank_count_max`.
AlgorithmCase random_case(const AlgorithmRow& row, int rank_count_max, Random& random);

}  // namespace hvd
