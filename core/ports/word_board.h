// core/ports/word_board.h: how far each rank is committed to the plan, for all to see at once.
// Not here: what a word stands for (stages/plan_lane.h); the memory (backends/shm).
// Threads: baton holder only.  Limits: epochs below 2^24, positions below 2^40.
// Read next: stages/planned_work.cc.
#pragma once

#include <cstdint>

#include "core/vocabulary/rank.h"

namespace hvd {

// An epoch and the number of positions that a rank is committed to in it, as one word: an old
// epoch's word opens nothing in a new one.
class PlanWord {
 public:
  constexpr PlanWord() = default;
  constexpr PlanWord(std::uint32_t epoch, std::uint64_t count)
      : bits_(std::uint64_t{epoch} << kCountBits | count) {}
  static constexpr PlanWord of_bits(std::uint64_t bits) {
    PlanWord word;
    word.bits_ = bits;
    return word;
  }
  constexpr std::uint64_t bits() const { return bits_; }
  // Positions of that epoch; none in the word of another.
  constexpr std::uint64_t count_in(std::uint32_t epoch) const {
    return bits_ >> kCountBits == epoch ? bits_ & ((std::uint64_t{1} << kCountBits) - 1) : 0;
  }

 private:
  static constexpr int kCountBits = 40;
  std::uint64_t bits_ = 0;
};
inline constexpr std::uint32_t kPlanEpochMost = (1U << 24) - 1;

class WordBoard {
 public:
  WordBoard() = default;
  virtual ~WordBoard() = default;
  WordBoard(const WordBoard&) = delete;
  WordBoard& operator=(const WordBoard&) = delete;

  // This rank's word; wakes ranks that sleep. Words only grow.
  virtual void publish(PlanWord word) = 0;
  // What can be seen of a rank's word at this moment.
  virtual PlanWord word_of(Rank rank) const = 0;
};

}  // namespace hvd
