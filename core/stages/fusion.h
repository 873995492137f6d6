// core/stages/fusion.h: which decided tensors travel together.
// Not here: packing; a fused group is a scatter list (vocabulary/work_item.h).
// Threads: pure functions.  Limits: HVD_FUSION_BYTES_MAX a group, unless one tensor alone is
// larger, or the user grouped them.  Read next: dispatcher.h.
#pragma once

#include <cstddef>
#include <vector>

#include "core/stages/root_negotiator.h"

namespace hvd {

// Groups what is decided by index. Together go allreduces of one dtype, reduction and scale,
// broadcasts of one dtype and root, and reduces of which both are the same, up to `bytes_max` (0:
// nothing is fused). The tensors of a grouped operation go with one another and nothing else, also
// beyond the limit: nothing is packed, so an item may be as large as a tensor may, and the user has
// said what belongs together. Groups are in the order of their first members, members in the order
// of the decisions, so the result is a function of the decisions alone.
std::vector<std::vector<std::size_t>> fuse(const std::vector<Decision>& decisions,
                                           std::size_t bytes_max);

}  // namespace hvd
