// core/stages/plan_learner.h: finds the cycle in what the root decides.
// Not here: what becomes of it (plan_keeper.h, plan_lane.h).
// Threads: one at a time (the baton holder).
// Limits: kCycleTensorsMax in a cycle, kNamesMax known at a time.
// Read next: tests/core/stages/plan_learner_test.cc, then plan_keeper.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/base/reused_list.h"
#include "core/base/text_hash.h"
#include "core/stages/root_negotiator.h"

namespace hvd {

// A cycle begins with each use of one name, the anchor, that comes back. What came as often, and as
// the same operation, in a number of cycles in a row is the plan's; what comes only sometimes is
// not, and stays negotiated. A plan may begin anywhere in a cycle: with what comes next. Unnamed
// operations are known by their kind: the j-th of a cycle is the j-th of every cycle.
class PlanLearner {
 public:
  static constexpr std::size_t kCycleTensorsMax = 16384;
  static constexpr std::size_t kNamesMax = 16384;

  struct Tensor {
    ReadyEntry entry;                // as PlanTensor::entry; unnamed: of this cycle
    std::vector<std::int64_t> rows;  // AnsweredGroup::rows
    std::vector<std::vector<std::int64_t>> member_rows;  // the same of a grouped operation's
    std::uint32_t use = 0;                               // within the cycle, from 0
  };

  explicit PlanLearner(std::size_t cycles) : cycles_(cycles) {}

  // What the root decided, in the order of its answers. A failure makes it forget all.
  void on_decided(const Decision& decision);
  std::uint64_t cycle_count() const { return cycle_; }  // since the anchor was chosen
  // Whether enough cycles were alike, and the one at hand is so far.
  bool knows_cycle() const;
  // What all had in common, in the order in which it will come, each with its last use so far.
  std::vector<Tensor> cycle_from_here() const;
  // How many cycles in a row have to be alike from now on.
  void require(std::size_t cycles) { cycles_ = cycles; }
  void forget();

 private:
  struct Name {
    std::uint64_t seen_count = 0;
    // Signatures of its uses in the cycle at hand, and in the one before.
    std::vector<std::uint64_t> uses = {};
    std::vector<std::uint64_t> last_uses = {};
    std::uint64_t last_cycle = 0;
    std::size_t alike_count = 0;  // cycles in a row, with the last one
    bool common = false;          // in enough of them
  };
  using Names = std::unordered_map<std::string, Name, TextHash, std::equal_to<>>;

  Name& name_of(std::string_view name);
  bool begins_cycle(std::string_view key, const Name& name);
  void note(const Decision& decision, std::string_view key, Name& name);
  void note_member(const Decision& decision, Name& name);
  void compare_use(const Name& name);
  void close_cycle();
  void choose_anchor();
  bool covers_enough() const;

  std::size_t cycles_;
  Names names_;
  std::string anchor_;  // empty: none yet
  int anchors_tried_ = 0;
  std::uint64_t cycle_ = 0;           // closed since the anchor was chosen
  std::vector<std::size_t> lengths_;  // of the last ones, in tensors
  std::size_t common_length_ = 0;     // of a cycle, what would be in the plan
  bool open_differs_ = false;         // the cycle at hand, in what the others have in common
  ReusedList<Tensor> open_;           // the cycle at hand
  ReusedList<Tensor> last_;           // the one before
  std::vector<Name*> open_names_;     // in it
  std::vector<Name*> common_names_;   // of the cycles before
  Name* grouped_ = nullptr;           // of the grouped operation whose tensors are coming
};

}  // namespace hvd
