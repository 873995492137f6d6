// core/stages/plan_keeper.h: the root's half of a plan: whether one is in force, and how it ends.
// Sans-I/O. Not here: learning (plan_learner.h), who sends what (planned_work.cc).
// Threads: one at a time (the baton holder).  Limits: one plan at a time.
// Read next: planned_work.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/stages/messages.h"
#include "core/vocabulary/rank.h"

namespace hvd {

class PlanKeeper {
 public:
  PlanKeeper(int rank_count, std::size_t cycles);

  std::uint32_t epoch() const { return epoch_; }  // of the last plan
  void begin(const PlanMessage& plan);
  bool in_force() const { return group_count_ != 0; }
  bool in_force(std::uint32_t epoch) const { return in_force() && epoch == epoch_; }
  // An operation of the plan. Its announcement was sent before its rank knew of the plan, and there
  // it goes by the plan now.
  bool owns(const ReadyEntry& entry) const;

  // Where words come by message: true if it opened positions.
  bool on_word(Rank from, std::uint64_t count);
  std::uint64_t gate() const { return gate_; }

  // True if the end begins now: all ranks are to be told, and to say how far they are.
  bool begin_thaw();
  bool thawing() const { return thawing_; }
  void on_last_word(Rank from, std::uint64_t count);
  // It will say no more; what it said before counts.
  void on_gone(Rank rank);
  bool may_cut() const;
  // Ends the plan: positions before the one returned are committed to by all ranks and run. No rank
  // has begun any other, for there is one that is not committed to it.
  std::uint64_t cut();
  // How many cycles in a row have to be alike before the next plan: more after a short one.
  std::size_t cycles() const { return cycles_; }

 private:
  const std::size_t cycles_least_;
  std::size_t cycles_;
  std::uint32_t epoch_ = 0;
  std::size_t group_count_ = 0;  // of the plan in force; 0: none
  // The names of the plan; of an unnamed family the number of the first that is in it.
  std::unordered_map<std::string, std::uint64_t> names_;
  std::vector<std::uint64_t> words_;  // by rank
  std::uint64_t gate_ = 0;
  bool thawing_ = false;
  std::vector<std::optional<std::uint64_t>> last_words_;  // by rank
};

}  // namespace hvd
