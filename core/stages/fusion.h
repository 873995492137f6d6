// core/stages/fusion.h: which decided tensors travel together.
// Not here: packing; a fused group is a scatter list (vocabulary/work_item.h).
// Threads: one at a time.  Limits: HVD_FUSION_BYTES_MAX a group, unless one tensor alone is
// larger, or the user grouped them.  Read next: dispatcher.h.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/stages/root_negotiator.h"

namespace hvd {

// Groups what is decided and ok, by index. Together go allreduces of one dtype, reduction and
// scale, broadcasts of one dtype and root, and reduces of which both are the same, up to
// `bytes_max` (0: nothing is fused). The tensors of a grouped operation go with one another and
// nothing else, also beyond the limit: nothing is packed, so an item may be as large as a tensor
// may, and the user has said what belongs together. Groups are in the order of their first members,
// members in the order of the decisions, so the result is a function of the decisions alone.
class Fusion {
 public:
  void fuse(std::span<const Decision> decisions, std::size_t bytes_max);

  // Of the last fuse().
  std::size_t group_count() const { return ends_.size(); }
  std::span<const std::size_t> group(std::size_t index) const {
    const std::size_t begin = index == 0 ? 0 : ends_[index - 1];
    return std::span(members_).subspan(begin, ends_[index] - begin);
  }

 private:
  struct OpenGroup {
    std::size_t index;
    std::size_t bytes;
    const Decision* first;
  };
  std::size_t group_for(const Decision& decision, std::size_t bytes_max);
  void sort_members();

  std::vector<OpenGroup> open_;        // the newest group of each kind; few kinds occur together
  std::vector<std::size_t> group_of_;  // by decision
  std::vector<std::size_t> members_;   // group by group
  std::vector<std::size_t> ends_;      // of each group among them
};

}  // namespace hvd
