#include "backends/engine/two_way_tuner.h"

#include <algorithm>
#include <bit>

namespace hvd {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::uint64_t kSmallest = std::uint64_t{128} << 10;

// Two items: the lower of two times says more than one of an item that was disturbed.
constexpr std::uint32_t kTrialItems = 2;
// A trial that begins so much slower than what is in use ends with its first item.
constexpr double kHopeless = 1.5;
// What is in use stays unless the other is better by more than the noise of the best of four.
constexpr double kBetter = 0.95;
// The machine has changed if not one of the last items comes near what was there before.
constexpr double kWorse = 1.3;
// The first two items touch memory for the first time, which looks like a slow way.
constexpr std::uint32_t kItemsBeforeFirst = 6;
constexpr std::uint32_t kItemsBetweenMin = 16;
// The first verdicts are of few items, on caches and branches that are still cold; so these trials
// follow each other fast.
constexpr std::uint32_t kEarlyTrials = 3;
// Trials cost at most the difference of the two in one or two of so many items. Short items wait
// for the pause: a virtual machine moves between cores every few seconds, not every millisecond.
constexpr std::uint32_t kItemsBetween = 100;
constexpr Nanos kPauseBetween = 50 * kMillisecond;

}  // namespace

Nanos TwoWayTuner::Cell::recent_best() const {
  const std::size_t count = std::min<std::size_t>(recent_count, kRecent);
  return count == 0 ? 0 : *std::min_element(recent.begin(), recent.begin() + count);
}

bool TwoWayTuner::Cell::trial_is_due(Time now) const {
  if (reference == 0) {
    return recent_count >= kItemsBeforeFirst;
  }
  if (recent_count < kRecent || items_since_trial < kItemsBetweenMin) {
    return false;
  }
  const bool worsened =
      static_cast<double>(recent_best()) > kWorse * static_cast<double>(reference);
  return worsened || trial_count < kEarlyTrials ||
         (items_since_trial >= kItemsBetween && now - trial_at >= kPauseBetween);
}

void TwoWayTuner::Cell::add(Nanos rate) {
  recent[recent_count % kRecent] = rate;
  ++recent_count;
  if (reference != 0) {
    reference = std::min(reference, rate);
  }
}

void TwoWayTuner::Cell::add_to_trial(Nanos rate) {
  trial_best = trial_ended == 0 ? rate : std::min(trial_best, rate);
  ++trial_ended;
  const bool hopeless =
      static_cast<double>(trial_best) > kHopeless * static_cast<double>(recent_best());
  if (trial_ended >= kTrialItems || hopeless) {
    end_trial();
  }
}

void TwoWayTuner::Cell::end_trial() {
  if (static_cast<double>(trial_best) < kBetter * static_cast<double>(recent_best())) {
    second = !second;
    recent_count = 0;
    add(trial_best);
  }
  reference = recent_best();
  ++trial_count;
  items_since_trial = 0;
  trial_begun = 0;
  trial_ended = 0;
}

std::size_t TwoWayTuner::place(CollectiveKind kind, std::uint64_t bytes) {
  const auto size = static_cast<std::size_t>(std::bit_width(bytes / kSmallest | 1U) - 1);
  return static_cast<std::size_t>(kind) * kSizeCount + std::min(size, kSizeCount - 1);
}

bool TwoWayTuner::in_use(CollectiveKind kind, std::uint64_t bytes, bool guess) const {
  const Cell& at = cells_[place(kind, bytes)];
  return at.known ? at.second : guess;
}

bool TwoWayTuner::settled(CollectiveKind kind, std::uint64_t bytes) const {
  const Cell& at = cells_[place(kind, bytes)];
  return !at.known || at.trial_count >= kEarlyTrials;
}

bool TwoWayTuner::begins(CollectiveKind kind, std::uint64_t bytes, bool guess, Time now) {
  Cell& at = cell(kind, bytes);
  if (!at.known) {
    at.known = true;
    at.second = guess;
  }
  if (at.trial_begun == 0 && at.trial_is_due(now)) {
    at.trial_at = now;
    at.trial_begun = 1;
    return !at.second;
  }
  if (at.trial_begun > 0 && at.trial_begun < kTrialItems) {
    ++at.trial_begun;
    return !at.second;
  }
  ++at.items_since_trial;
  return at.second;
}

void TwoWayTuner::ends(CollectiveKind kind, std::uint64_t bytes, bool second, Nanos took) {
  Cell& at = cell(kind, bytes);
  const auto rate = static_cast<Nanos>(static_cast<double>(std::max<Nanos>(took, 1)) *
                                       static_cast<double>(kMiB) / static_cast<double>(bytes));
  if (!at.known) {
    return;
  }
  if (second == at.second) {
    at.add(std::max<Nanos>(rate, 1));
  } else if (at.trial_begun > 0) {
    at.add_to_trial(std::max<Nanos>(rate, 1));
  }
}

void TwoWayTuner::passes_over(CollectiveKind kind, std::uint64_t bytes, bool second) {
  Cell& at = cell(kind, bytes);
  if (second != at.second && at.trial_begun > 0) {
    --at.trial_begun;  // another item takes its place
  }
}

}  // namespace hvd
