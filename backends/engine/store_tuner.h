// backends/engine/store_tuner.h: learns from the items that ran whether this rank's stores into
// shared slots are faster through its caches or past them.
// Not here: measuring it before the first item, what stores do to a result (nothing).
// Threads: baton holder only.  Limits: long items only, see kStoreTunerBytesMin.
// Read next: docs/decisions/0011.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/clock.h"
#include "core/vocabulary/collective.h"

namespace hvd {

// What is shorter stays in the caches of both sides.
inline constexpr std::uint64_t kStoreTunerBytesMin = std::uint64_t{256} << 10;

// The answer is this rank's own affair: ranks may differ in it. For each kind of item and power of
// two of its size there is a kind of store that is in use, and now and then a trial of the other.
class StoreTuner {
 public:
  // Of an item that begins now: true for stores past the caches. `first` is the guess for what has
  // not been seen yet.
  bool begins(CollectiveKind kind, std::uint64_t bytes, bool first, Time now);
  // An item ran to its end: `stream` is what begins() said.
  void ends(CollectiveKind kind, std::uint64_t bytes, bool stream, Nanos took);
  // It ended, but its time says nothing about stores.
  void passes_over(CollectiveKind kind, std::uint64_t bytes, bool stream);

 private:
  static constexpr std::size_t kRecent = 4;
  static constexpr std::size_t kSizeCount = 16;  // 256 KiB to 8 GiB and more

  // A rate is the time that 1 MiB took.
  struct Cell {
    bool known = false;
    bool stream = false;                  // in use
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

  Cell& cell(CollectiveKind kind, std::uint64_t bytes);

  std::vector<Cell> cells_ = std::vector<Cell>(kCollectiveKindCount * kSizeCount);
};

}  // namespace hvd
