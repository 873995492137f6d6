#include "core/stages/fusion.h"

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
      return a.root == b.root;
    case CollectiveKind::reduce:
      return a.root == b.root && one_reduction(a, b);
    default:
      return false;
  }
}

struct OpenGroup {
  std::size_t index;  // in the result
  std::size_t bytes;
  const ReadyEntry* first;
};

}  // namespace

std::vector<std::vector<std::size_t>> fuse(const std::vector<const ReadyEntry*>& entries,
                                           std::size_t bytes_max) {
  std::vector<std::vector<std::size_t>> groups;
  std::vector<OpenGroup> open;  // the newest group of each kind; few kinds occur together
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::size_t bytes = entries[i]->byte_count();
    OpenGroup* group = nullptr;
    for (OpenGroup& candidate : open) {
      if (travel_together(*candidate.first, *entries[i])) {
        group = &candidate;
      }
    }
    // With 0 even tensors without elements stay apart.
    if (bytes_max > 0 && group != nullptr && group->bytes + bytes <= bytes_max) {
      groups[group->index].push_back(i);
      group->bytes += bytes;
      continue;
    }
    const OpenGroup fresh{groups.size(), bytes, entries[i]};
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
