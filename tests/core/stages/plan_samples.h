// tests/core/stages/plan_samples.h: short ways to write decisions and plans in tests.
// Not here: entries and requests (stage_samples.h).
// Threads: any.  Limits: none.
// Read next: plan_learner_test.cc.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/stages/plan_learner.h"
#include "tests/core/stages/stage_samples.h"

namespace hvd::test {

inline Decision decided(ReadyEntry entry, std::vector<std::int64_t> rows = {}) {
  return {.status = ok_status(), .entry = std::move(entry), .rows = std::move(rows)};
}

inline ReadyEntry unnamed_entry(std::uint64_t number) {
  ReadyEntry entry = entry_of(str("allreduce.noname.", number - 1));
  entry.unnamed = number;
  return entry;
}

// Each decided once, in this order.
inline void decide_all(PlanLearner& learner, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    learner.on_decided(decided(entry_of(name)));
  }
}

// A group of the plan of tensors that were not used before in the cycle.
inline PlanGroup plan_group(const std::vector<std::string>& names, std::uint32_t use = 0) {
  PlanGroup group;
  for (const std::string& name : names) {
    group.answer.names.push_back(name);
    group.tensors.push_back({entry_of(name), use});
  }
  return group;
}

}  // namespace hvd::test
