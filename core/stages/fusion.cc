#include "core/stages/fusion.h"

#include <algorithm>
#include <utility>

namespace hvd {
namespace {

// A premultiplied sum's factors are known to each rank alone, and Adasum's follow from the tensor.
bool one_reduction(const ReadyEntry& a, const ReadyEntry& b) {
  return a.op == b.op && a.op != ReduceOp::premultiplied_sum && a.op != ReduceOp::adasum &&
         a.prescale == b.prescale && a.postscale == b.postscale;
}

bool travel_together(const ReadyEntry& a, const ReadyEntry& b) {
  if (a.kind != b.kind || a.dtype != b.dtype) {
    return false;
  }
  switch (a.kind) {
    case CollectiveKind::allreduce:
      // One tensor elsewhere would keep all from being reduced where they lie.
      return a.within_reach == b.within_reach && one_reduction(a, b);
    case CollectiveKind::broadcast:
      return a.within_reach == b.within_reach && a.root == b.root;
    case CollectiveKind::reduce:
      return a.root == b.root && one_reduction(a, b);
    default:
      return false;
  }
}

bool travel_together(const Decision& a, const Decision& b) {
  const bool one_asker =
      a.tensor.has_value() == b.tensor.has_value() && (!a.tensor || a.entry.name == b.entry.name);
  return one_asker && travel_together(a.entry, b.entry);
}

constexpr std::size_t kNoGroup = static_cast<std::size_t>(-1);

}  // namespace

void Fusion::fuse(std::span<const Decision> decisions, std::size_t bytes_max) {
  open_.clear();
  group_of_.clear();
  ends_.clear();
  for (const Decision& decision : decisions) {
    const std::size_t group = decision.status.ok() ? group_for(decision, bytes_max) : kNoGroup;
    group_of_.push_back(group);
    if (group != kNoGroup) {
      ++ends_[group];  // the number of its members, until sort_members
    }
  }
  sort_members();
}

std::size_t Fusion::group_for(const Decision& decision, std::size_t bytes_max) {
  const std::size_t bytes = decision.entry.byte_count();
  // From the newest on: the tensors of a grouped operation are neighbours.
  const auto at = std::find_if(open_.rbegin(), open_.rend(), [&](const OpenGroup& candidate) {
    return travel_together(*candidate.first, decision);
  });
  OpenGroup* const group = at == open_.rend() ? nullptr : &*at;
  const bool fits = group != nullptr && (decision.tensor || group->bytes + bytes <= bytes_max);
  // With 0 even tensors without elements stay apart.
  if (bytes_max > 0 && fits) {
    group->bytes += bytes;
    return group->index;
  }
  const OpenGroup fresh{ends_.size(), bytes, &decision};
  ends_.push_back(0);
  if (group != nullptr) {
    *group = fresh;
  } else {
    open_.push_back(fresh);
  }
  return fresh.index;
}

void Fusion::sort_members() {
  std::size_t total = 0;
  for (std::size_t& count : ends_) {
    total += std::exchange(count, total);  // where the group begins
  }
  members_.resize(total);
  for (std::size_t i = 0; i < group_of_.size(); ++i) {
    if (group_of_[i] != kNoGroup) {
      members_[ends_[group_of_[i]]++] = i;  // and in the end where it ends
    }
  }
}

}  // namespace hvd
