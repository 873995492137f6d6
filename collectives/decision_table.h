// collectives/decision_table.h: algorithm and chunk by predicted time, kept for each class of
// sizes. Not here: the rules that stand where nothing is predicted (selection_rules.h), the
// prediction itself (predict_algorithm.h). Threads: one owner.  Limits: the first item of a class
// costs kDecisionOpsMost; then nothing is allocated. Read next: decision_table.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "collectives/algorithms.h"
#include "collectives/cost_model.h"
#include "collectives/selector.h"
#include "core/base/status.h"
#include "core/ports/data_plane.h"

namespace hvd {

// Ops that are evaluated for one decision, some 1 to 2 ms of a core.
inline constexpr double kDecisionOpsMost = 4000;
inline constexpr double kStudyOpsMost = 4e4;
// What is predicted to be faster than the rules' choice by less than that is not taken: the model
// cannot tell such times apart, and a choice that follows noise differs from start to start.
inline constexpr double kClearlyFaster = 0.9;

struct PredictedChoice {
  const AlgorithmRow* row = nullptr;
  std::uint64_t chunk_bytes = 0;  // 0: by the rules, for the size of each item
  double seconds = 0;             // 0: not predicted
};

struct SizeDecision {
  PredictedChoice taken;
  PredictedChoice rules;   // what they say
  PredictedChoice second;  // the fastest of another algorithm; no row: none was predicted
  double ops = 0;          // that were evaluated
  bool by_time = false;    // the predictions decided; else the rules
};

// Of one job and all its ranks. The same for all who ask with the same arguments: what a prediction
// costs is bounded by counting, not by a clock.
class DecisionTable {
 public:
  // settings.host_of_rank has to outlive the table.
  DecisionTable(int rank_count, const SelectorSettings& settings, const CostParameters& cost);

  // The root's choice: what HVD_ALGORITHM and HVD_CHUNK_BYTES leave open goes by predicted time
  // between hosts, and by the rules, whose borders were measured, within one.
  Result<ScheduleChoice> choose(const WorkShape& shape, bool prefers_single_copy = false);
  // As hvd::may_read_in_place.
  bool may_read_in_place(const WorkShape& shape) const {
    return shape.within_reach && hvd::may_read_in_place(shape, places_, settings_);
  }

  // Whether predictions decide, for a shape of that kind.
  bool is_open(const WorkShape& shape) const;
  // Of the class that the shape is in; is_open(shape).
  const SizeDecision& decision(const WorkShape& shape);

  // For people: the same, with predictions also of what the rules decide, at kStudyOpsMost.
  SizeDecision study(CollectiveKind kind, int size_class);
  // The chunk of such a choice, for the longest of that class.
  std::uint64_t chunk_bytes_of(const PredictedChoice& choice, int size_class) const;
  const JobPlaces& places() const { return places_; }

 private:
  const JobPlaces places_;
  const SelectorSettings settings_;
  const CostParameters cost_;
  std::vector<SizeDecision> decisions_;  // no row: not yet asked for
};

// The classes of sizes: 0 of up to one byte, c of up to 2^c.
inline constexpr int kSizeClassCount = 41;
int size_class_of(std::uint64_t bytes);
// The longest of a class, by which all of it is decided: float32 in parts of equal size.
WorkShape representative(CollectiveKind kind, int size_class, int rank_count);

}  // namespace hvd
