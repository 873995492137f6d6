#include "core/stages/fusion.h"

#include <algorithm>

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
      return a.in_arena == b.in_arena && one_reduction(a, b);
    case CollectiveKind::broadcast:
      return a.in_arena == b.in_arena && a.root == b.root;
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

struct OpenGroup {
  std::size_t index;  // in the result
  std::size_t bytes;
  const Decision* first;
};

}  // namespace

std::vector<std::vector<std::size_t>> fuse(const std::vector<Decision>& decisions,
                                           std::size_t bytes_max) {
  std::vector<std::vector<std::size_t>> groups;
  std::vector<OpenGroup> open;  // the newest group of each kind; few kinds occur together
  for (std::size_t i = 0; i < decisions.size(); ++i) {
    const std::size_t bytes = decisions[i].entry.byte_count();
    // From the newest on: the tensors of a grouped operation are neighbours.
    const auto at = std::find_if(open.rbegin(), open.rend(), [&](const OpenGroup& candidate) {
      return travel_together(*candidate.first, decisions[i]);
    });
    OpenGroup* const group = at == open.rend() ? nullptr : &*at;
    const bool fits =
        group != nullptr && (decisions[i].tensor || group->bytes + bytes <= bytes_max);
    // With 0 even tensors without elements stay apart.
    if (bytes_max > 0 && fits) {
      groups[group->index].push_back(i);
      group->bytes += bytes;
      continue;
    }
    const OpenGroup fresh{groups.size(), bytes, &decisions[i]};
    groups.push_back({i});
    if (group != nullptr) {
      *group = fresh;
    } else {
      open.push_back(fresh);
    }
  }
  return groups;
}

}  // namespace hvd
