// backends/bootstrap/memory_limit.h: how much memory the control groups of this process still give.
// Not here: finding the groups' folders (cores.h).
// Threads: any.  Limits: a look at one moment; others of the group may take it first.
// Read next: backends/shm/arena.cc, which asks before it gives memory out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "backends/bootstrap/cores.h"
#include "core/base/status.h"

namespace hvd {

// Bytes left of `limit` after `usage`, as the files of a control group have them; nothing where
// there is no limit ("max", or v1's number near 2^63) or a text is not of this form.
std::optional<std::uint64_t> bytes_left(std::string_view limit, std::string_view usage);

struct MemoryRoom {
  std::uint64_t bytes = 0;
  std::string file;  // of the limit
};
// The least of all groups that limit this process; nothing if none does.
std::optional<MemoryRoom> memory_room(const CgroupFolders& folders);

// Memory that is touched beyond the limit kills the process instead of failing. Ok, or an error
// that names the limit's file and `setting`.
Status check_memory_room(std::uint64_t bytes, const CgroupFolders& folders,
                         std::string_view setting);

}  // namespace hvd
