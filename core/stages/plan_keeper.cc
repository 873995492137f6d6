#include "core/stages/plan_keeper.h"

#include <algorithm>

#include "core/base/check.h"

namespace hvd {
namespace {

// A plan that ran so many cycles was worth its while.
constexpr std::uint64_t kCyclesWell = 100;
constexpr std::size_t kCyclesTimesMost = 16;

}  // namespace

PlanKeeper::PlanKeeper(int rank_count, std::size_t cycles)
    : cycles_least_(cycles),
      cycles_(cycles),
      words_(static_cast<std::size_t>(rank_count)),
      last_words_(static_cast<std::size_t>(rank_count)) {}

void PlanKeeper::begin(const PlanMessage& plan) {
  HVD_CHECK(!in_force());
  epoch_ = plan.epoch;
  group_count_ = plan.groups.size();
  names_.clear();
  for (const PlanGroup& group : plan.groups) {
    for (const PlanTensor& tensor : group.tensors) {
      if (tensor.use == 0) {
        names_[tensor.entry.name] = tensor.entry.unnamed;
      }
    }
  }
  std::fill(words_.begin(), words_.end(), 0);
  std::fill(last_words_.begin(), last_words_.end(), std::nullopt);
  gate_ = 0;
  thawing_ = false;
}

bool PlanKeeper::owns(const ReadyEntry& entry) const {
  if (!in_force()) {
    return false;
  }
  const auto found =
      names_.find(entry.unnamed == 0 ? entry.name : std::string(unnamed_family(entry.name)));
  return found != names_.end() && (found->second != 0) == (entry.unnamed != 0) &&
         entry.unnamed >= found->second;
}

bool PlanKeeper::on_word(Rank from, std::uint64_t count) {
  std::uint64_t& word = words_[from.index()];
  word = std::max(word, count);
  const std::uint64_t gate = *std::min_element(words_.begin(), words_.end());
  const bool opened = gate > gate_;
  gate_ = gate;
  return opened;
}

bool PlanKeeper::begin_thaw() {
  if (!in_force() || thawing_) {
    return false;
  }
  thawing_ = true;
  return true;
}

void PlanKeeper::on_last_word(Rank from, std::uint64_t count) {
  if (!last_words_[from.index()].has_value()) {
    last_words_[from.index()] = count;
  }
}

void PlanKeeper::on_gone(Rank rank) { on_last_word(rank, 0); }

bool PlanKeeper::may_cut() const {
  return thawing_ && std::all_of(last_words_.begin(), last_words_.end(),
                                 [](const auto& word) { return word.has_value(); });
}

std::uint64_t PlanKeeper::cut() {
  HVD_CHECK(may_cut());
  const std::uint64_t count =
      **std::min_element(last_words_.begin(), last_words_.end(),
                         [](const auto& a, const auto& b) { return a.value() < b.value(); });
  const bool went_well = count / group_count_ >= kCyclesWell;
  cycles_ = went_well ? cycles_least_ : std::min(2 * cycles_, kCyclesTimesMost * cycles_least_);
  group_count_ = 0;
  thawing_ = false;
  return count;
}

}  // namespace hvd
