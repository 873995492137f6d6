// collectives/predict_algorithm.h: what an algorithm of the table costs, for any number of ranks.
// Not here: one set of schedules (cost_model.h), which algorithm to take (selector.h).
// Threads: pure functions.  Limits: well under a second, whatever is asked.
// Read next: cost_model.h.
#pragma once

#include <vector>

#include "collectives/algorithms.h"
#include "collectives/cost_model.h"
#include "collectives/schedule_params.h"
#include "core/base/status.h"
#include "core/vocabulary/dtype.h"

namespace hvd {

// The schedules of all ranks for these parameters; their rank is not looked at. A send or recv is
// made with its other half: rank 0 sends to rank 1.
Result<std::vector<Schedule>> make_all_schedules(const AlgorithmRow& row,
                                                 const ScheduleParams& whole);

// Jobs of up to ops_most ops are evaluated rank by rank. In larger ones one rank stands for all
// where all do the same: rings and exchanges at any number of ranks, halving and doubling at a
// power of two, if each rank has its host. What is left is extrapolated from smaller jobs of the
// same make, along the vector or along the hosts: rounds grow with the logarithm of the hosts or
// with their number; within a quarter of the true figure where that was tried. What parts a job has
// are then taken to be equal.
inline constexpr double kCostOpsMost = 4e5;
Result<Cost> predict_algorithm(const AlgorithmRow& row, const ScheduleParams& whole, DType dtype,
                               const CostParameters& parameters, double ops_most = kCostOpsMost);

// How that would go about it: to know what it takes before it is done.
struct PredictionPlan {
  CostMethod method = CostMethod::every_rank;
  bool is_along_hosts = false;  // extrapolated from jobs of fewer hosts or ranks
  double ops = 0;               // that are evaluated, at most; not said where is_along_hosts
  double elements = 0;          // of the longest vector that is evaluated
};
PredictionPlan plan_prediction(const AlgorithmRow& row, const ScheduleParams& whole,
                               double ops_most);

}  // namespace hvd
