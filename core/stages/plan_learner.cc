#include "core/stages/plan_learner.h"

#include <algorithm>
#include <functional>
#include <numeric>

namespace hvd {
namespace {

// What is always new or known to two ranks alone has no place in a plan; nor has what each rank is
// told something else of.
bool may_be_planned(const Decision& decision) {
  switch (decision.entry.kind) {
    case CollectiveKind::allreduce:
    case CollectiveKind::reduce:
    case CollectiveKind::broadcast:
    case CollectiveKind::allgather:
    case CollectiveKind::reduce_scatter:
    case CollectiveKind::barrier:
      return true;
    case CollectiveKind::alltoall:
      return decision.splits.empty();
    default:
      return false;
  }
}

void mix(std::uint64_t& hash, std::uint64_t value) {
  // FNV-1a over words; http://www.isthe.com/chongo/tech/comp/fnv/
  hash = (hash ^ value) * 0x100000001b3ULL;
}

void mix_shape(std::uint64_t& hash, const Shape& shape) {
  mix(hash, shape.dimension_count());
  for (const std::int64_t size : shape.sizes()) {
    mix(hash, static_cast<std::uint64_t>(size));
  }
}

// Equal for uses that may stand for one another.
std::uint64_t signature_of(const Decision& decision) {
  const ReadyEntry& entry = decision.entry;
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const auto value : {static_cast<int>(entry.kind), static_cast<int>(entry.dtype),
                           static_cast<int>(entry.op), entry.root.value}) {
    mix(hash, static_cast<std::uint64_t>(value));
  }
  mix(hash, std::hash<double>()(entry.prescale));
  mix(hash, std::hash<double>()(entry.postscale));
  mix(hash, entry.within_reach ? 1 : 0);
  mix_shape(hash, entry.shape);
  for (const std::vector<std::int64_t>* numbers : {&entry.splits, &decision.rows}) {
    mix(hash, numbers->size());
    for (const std::int64_t number : *numbers) {
      mix(hash, static_cast<std::uint64_t>(number));
    }
  }
  return hash;
}

// A cycle that has become so much longer than the last has lost its anchor.
constexpr std::size_t kLengthSlack = 1024;
constexpr int kAnchorsMost = 4;

}  // namespace

void PlanLearner::forget() {
  names_.clear();
  anchor_.clear();
  anchors_tried_ = 0;
  cycle_ = 0;
  lengths_.clear();
  common_length_ = 0;
  open_differs_ = false;
  open_.clear();
  last_.clear();
  open_names_.clear();
  common_names_.clear();
  grouped_ = nullptr;
}

void PlanLearner::on_decided(const Decision& decision) {
  if (cycles_ == 0) {
    return;
  }
  if (!decision.status.ok()) {
    forget();
    return;
  }
  if (!may_be_planned(decision)) {
    return;
  }
  if (decision.tensor.value_or(0) > 0) {
    if (grouped_ != nullptr) {
      note_member(decision, *grouped_);
    }
    return;
  }
  grouped_ = nullptr;
  if (names_.size() >= kNamesMax || open_.size() >= kCycleTensorsMax ||
      (!lengths_.empty() && open_.size() > 8 * lengths_.back() + kLengthSlack)) {
    forget();
  }
  const std::string_view key = decision.entry.unnamed == 0 ? std::string_view(decision.entry.name)
                                                           : unnamed_family(decision.entry.name);
  Name& name = name_of(key);
  ++name.seen_count;
  if (begins_cycle(key, name)) {
    close_cycle();
  }
  if (!anchor_.empty()) {
    note(decision, key, name);
  }
}

PlanLearner::Name& PlanLearner::name_of(std::string_view name) {
  const auto found = names_.find(name);
  if (found != names_.end()) {
    return found->second;
  }
  return names_[std::string(name)];
}

// The first name that comes back is the first anchor.
bool PlanLearner::begins_cycle(std::string_view key, const Name& name) {
  if (anchor_.empty()) {
    if (name.seen_count < 2) {
      return false;
    }
    anchor_ = key;
    return false;
  }
  return key == anchor_;
}

void PlanLearner::note(const Decision& decision, std::string_view key, Name& name) {
  Tensor& tensor = open_.add();
  tensor.entry = decision.entry;
  tensor.entry.name = key;
  tensor.rows = decision.rows;
  tensor.member_rows.clear();
  tensor.use = static_cast<std::uint32_t>(name.uses.size());
  if (decision.tensor) {
    tensor.entry.shape = Shape();
    tensor.entry.members = {
        {decision.entry.dtype, decision.entry.within_reach, decision.entry.shape}};
    tensor.member_rows.push_back(decision.rows);
    tensor.rows.clear();
    grouped_ = &name;
  }
  if (name.uses.empty()) {
    open_names_.push_back(&name);
  }
  name.uses.push_back(signature_of(decision));
  compare_use(name);
}

// The same use goes on. Its tensors are decided together, so that nobody asks in between.
void PlanLearner::note_member(const Decision& decision, Name& name) {
  Tensor& tensor = open_[open_.size() - 1];
  tensor.entry.members.push_back(
      {decision.entry.dtype, decision.entry.within_reach, decision.entry.shape});
  tensor.member_rows.push_back(decision.rows);
  mix(name.uses.back(), signature_of(decision));
}

void PlanLearner::compare_use(const Name& name) {
  const std::size_t use = name.uses.size() - 1;
  const bool alike = !name.common || (use < name.last_uses.size() &&
                                      (grouped_ == &name || name.uses[use] == name.last_uses[use]));
  open_differs_ = open_differs_ || !alike;
}

void PlanLearner::close_cycle() {
  ++cycle_;
  if (lengths_.size() > cycles_) {
    lengths_.erase(lengths_.begin());
  }
  lengths_.push_back(open_.size());
  common_length_ = 0;
  open_differs_ = false;
  for (Name* const name : common_names_) {
    name->common = false;
  }
  common_names_.clear();
  for (Name* const in_cycle : open_names_) {
    Name& name = *in_cycle;
    const bool alike = name.last_cycle + 1 == cycle_ && name.uses == name.last_uses;
    name.alike_count = alike ? name.alike_count + 1 : 1;
    name.common = name.alike_count >= cycles_;
    name.last_uses.swap(name.uses);
    name.last_cycle = cycle_;
    name.uses.clear();
    if (name.common) {
      common_length_ += name.last_uses.size();
      common_names_.push_back(&name);
    }
  }
  if (cycle_ > cycles_ && !covers_enough() && anchors_tried_ < kAnchorsMost) {
    choose_anchor();
  }
  last_.swap(open_);
  open_.clear();
  open_names_.clear();
}

// Nine of ten, over some cycles, for a wrong anchor makes long ones and short ones; later on half
// must do.
bool PlanLearner::covers_enough() const {
  const std::size_t all = std::accumulate(lengths_.begin(), lengths_.end(), std::size_t{0});
  const std::size_t planned = lengths_.size() * common_length_;
  return anchors_tried_ < kAnchorsMost ? 10 * planned >= 9 * all : 2 * planned >= all;
}

// A name that is used twice in a step parts it where it should not. One that has come back and does
// not fit into its cycles may be a better one.
void PlanLearner::choose_anchor() {
  ++anchors_tried_;
  const auto better = std::find_if(open_.begin(), open_.end(), [&](const Tensor& tensor) {
    const Name& name = name_of(tensor.entry.name);
    return !name.common && name.seen_count >= 2;
  });
  if (better == open_.end()) {
    anchors_tried_ = kAnchorsMost;
    return;
  }
  anchor_ = better->entry.name;
  cycle_ = 0;
  lengths_.clear();
  common_length_ = 0;
  for (auto& [text, name] : names_) {
    name.common = false;
    name.alike_count = 0;
    name.last_cycle = 0;
  }
}

bool PlanLearner::knows_cycle() const {
  return common_length_ > 0 && covers_enough() && !open_differs_;
}

// Behind this point come the uses of the last cycle that the one at hand has not had, then again
// those that it has had.
std::vector<PlanLearner::Tensor> PlanLearner::cycle_from_here() const {
  std::vector<Tensor> cycle;
  std::unordered_map<std::string_view, std::uint32_t> next_use;
  const auto take = [&](const Tensor& tensor) {
    cycle.push_back(tensor);
    cycle.back().use = next_use[tensor.entry.name]++;
  };
  for (const Tensor& tensor : last_) {
    const Name& name = names_.find(tensor.entry.name)->second;
    if (name.common && tensor.use >= name.uses.size()) {
      take(tensor);
    }
  }
  for (const Tensor& tensor : open_) {
    if (names_.find(tensor.entry.name)->second.common) {
      take(tensor);
    }
  }
  return cycle;
}

}  // namespace hvd
