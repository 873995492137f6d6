// core/stages/fusion.h: which decided tensors travel together.
// Not here: packing; a fused group is a scatter list (vocabulary/work_item.h).
// Threads: pure functions.  Limits: HVD_FUSION_BYTES_MAX a group, unless one tensor alone is
// larger. Read next: dispatcher.h.
#pragma once

#include <cstddef>
#include <vector>

#include "core/stages/messages.h"

namespace hvd {

// Groups the entries by index. Together go allreduces of one dtype, reduction and scale, broadcasts
// of one dtype and root, and reduces of which both are the same, up to `bytes_max` (0: nothing is
// fused). Groups are in the order of their first members, members in the order of the entries, so
// the result is a function of the entries alone.
std::vector<std::vector<std::size_t>> fuse(const std::vector<const ReadyEntry*>& entries,
                                           std::size_t bytes_max);

}  // namespace hvd
