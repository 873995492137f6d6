// backends/engine/two_way_tuner.h: learns from the items that ran which of two ways to run them is
// faster.
// Not here: what the ways are (native_data_plane.cc), measuring before the first item.
// Threads: baton holder only.  Limits: long items only, whose time says something.
// Read next: docs/decisions/0011, 0013.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/clock.h"
#include "core/vocabulary/collective.h"

namespace hvd {

// For each kind of item and power of two of its size there is a way that is in use, and now and
// then a trial of the other. Of items for which begins() was not asked it learns nothing.
class TwoWayTuner {
 public:
  // Which way for an item that begins now, the first (false) or the second. `guess` is for what has
  // not been seen yet.
  bool begins(CollectiveKind kind, std::uint64_t bytes, bool guess, Time now);
  // The same for items that are not to be trials.
  bool in_use(CollectiveKind kind, std::uint64_t bytes, bool guess) const;
  // False while the first trials of what has been seen are still to come.
  bool settled(CollectiveKind kind, std::uint64_t bytes) const;
  // An item ran to its end: `second` is what begins() said.
  void ends(CollectiveKind kind, std::uint64_t bytes, bool second, Nanos took);
  // It ended, but its time says nothing about the way.
  void passes_over(CollectiveKind kind, std::uint64_t bytes, bool second);

 private:
  static constexpr std::size_t kRecent = 4;
  static constexpr std::size_t kSizeCount = 17;  // up to 128 KiB, and so on to 8 GiB and more

  // A rate is the time that 1 MiB took.
  struct Cell {
    bool known = false;
    bool second = false;                  // in use
    std::array<Nanos, kRecent> recent{};  // rates of it, the last ones
    std::uint32_t recent_count = 0;       // that there were since it came into use
    Nanos reference = 0;                  // the best since the last trial; 0: no trial yet
    std::uint32_t trial_count = 0;
    std::uint32_t items_since_trial = 0;
    Time trial_at = 0;
    std::uint32_t trial_begun = 0;  // items of the running trial; 0: none runs
    std::uint32_t trial_ended = 0;
    Nanos trial_best = 0;

    Nanos recent_best() const;
    bool trial_is_due(Time now) const;
    void add(Nanos rate);
    void add_to_trial(Nanos rate);
    void end_trial();
  };

  static std::size_t place(CollectiveKind kind, std::uint64_t bytes);
  Cell& cell(CollectiveKind kind, std::uint64_t bytes) { return cells_[place(kind, bytes)]; }

  std::vector<Cell> cells_ = std::vector<Cell>(kCollectiveKindCount * kSizeCount);
};

}  // namespace hvd
