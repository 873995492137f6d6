// core/stages/plan_writer.h: from a learned cycle to a plan: what travels together, in which order.
// Not here: finding the cycle (plan_learner.h).
// Threads: one at a time (the baton holder).  Limits: HVD_FUSION_BYTES_MAX a group.
// Read next: plan_lane.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "core/ports/data_plane.h"
#include "core/stages/answer.h"
#include "core/stages/fusion.h"
#include "core/stages/plan_learner.h"

namespace hvd {

// A group is complete only when all of its tensors are there. So that one is never part of what a
// rank waits for before it submits another, a group ends where on some rank a wait returned between
// two submissions; and so that data moves while a step still computes, it ends after
// kGroupBytesMost.
class PlanWriter {
 public:
  static constexpr std::size_t kGroupBytesMost = std::size_t{4} << 20;

  PlanWriter(DataPlane& data, std::size_t fusion_bytes_max)
      : data_(data), fusion_bytes_max_(fusion_bytes_max) {}

  // No groups if nothing of the cycle can be planned.
  PlanMessage write(std::uint32_t epoch, std::vector<PlanLearner::Tensor> cycle);
  // Of the last one: whether the data plane knows what is best for all of its groups.
  bool settled() const { return settled_; }

 private:
  bool begins_group(const PlanLearner::Tensor& tensor) const;
  void add(std::size_t place);
  void end_run(PlanMessage& plan);

  DataPlane& data_;
  const std::size_t fusion_bytes_max_;
  std::span<const PlanLearner::Tensor> run_;  // what may travel together
  std::unordered_set<std::string_view> names_in_run_;
  std::size_t run_bytes_ = 0;
  std::vector<Decision> decisions_;     // of the run
  std::vector<std::size_t> tensor_of_;  // by decision: its place in the run
  bool settled_ = true;
  Fusion fusion_;
  Answer answer_;
};

}  // namespace hvd
