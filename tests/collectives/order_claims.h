// tests/collectives/order_claims.h: whether rows combine in the one order that they claim to have.
// Not here: whether what they combine is right (collectives/verifier.h).
// Threads: one.  Limits: schedules that the verifier accepts.
// Read next: verify_algorithms_test.cc.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/collectives/algorithm_cases.h"

namespace hvd {

// The formulas that the outputs of all ranks hold, each once.
std::set<std::string> output_formulas(const std::vector<Schedule>& schedules, int edge_slot_count);

// Remembers one formula for each order, number of ranks, placing on hosts, root and way of scaling:
// what it was for one size, place, chunk and row it must be for all.
class OrderClaims {
 public:
  // Why the case breaks its row's claim, or "", also where the row claims nothing.
  std::string fault_of(const AlgorithmCase& one, const std::vector<Schedule>& schedules);
  std::size_t size() const { return formulas_.size(); }

 private:
  std::map<std::string, std::string> formulas_;
};

}  // namespace hvd
