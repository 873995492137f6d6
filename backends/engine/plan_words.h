// backends/engine/plan_words.h: core's WordBoard where all ranks share memory.
// Not here: where the words lie (slot_map.h), what they say (core/stages/plan_lane.h).
// Threads: baton holder only.  Limits: one word a rank.
// Read next: core/ports/word_board.h.
#pragma once

#include <memory>
#include <vector>

#include "backends/engine/transport.h"
#include "core/ports/word_board.h"

namespace hvd {

class PlanWords final : public WordBoard {
 public:
  // Null if not all ranks can see one another's words. The transport outlives it.
  static std::unique_ptr<PlanWords> create(Transport& transport, Rank self);

  void publish(PlanWord word) override;
  PlanWord word_of(Rank rank) const override {
    return PlanWord::of_bits(words_[rank.index()]->value.load(std::memory_order_acquire));
  }

 private:
  PlanWords(Transport& transport, Rank self, std::vector<FlagLine*> words)
      : transport_(transport), self_(self), words_(std::move(words)) {}

  Transport& transport_;
  const Rank self_;
  const std::vector<FlagLine*> words_;  // by rank
};

}  // namespace hvd
