// launcher/memory_kills.h: how often the kernel killed in this memory cgroup because memory ran
// out. Not here: telling it (report.h). Threads: any.  Limits: 0 where the kernel does not say.
// Read next: cores.h, which finds the cgroup.
#pragma once

#include <cstdint>
#include <string_view>

#include "backends/bootstrap/cores.h"

namespace hvd {

// The number behind "oom_kill " in memory.events (v2) or memory.oom_control (v1); 0 if none.
std::uint64_t parse_oom_kills(std::string_view text);
std::uint64_t count_memory_kills(const CgroupFolders& folders);

}  // namespace hvd
