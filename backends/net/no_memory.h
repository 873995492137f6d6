// backends/net/no_memory.h: memory that could not be had, as a Status.
// Not here: what a control group has left before memory is taken (../bootstrap/memory_limit.h).
// Threads: any.  Limits: none.
// Read next: os_error.h.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "core/base/status.h"

namespace hvd {

// "<doing> <bytes> bytes of <what>: <reason>", then the limits of this process that may be why, and
// what the user can do: a setting, or less of something. Read errno before anything can change it.
Status no_memory(std::string_view doing, std::size_t bytes, std::string_view what, int error_number,
                 std::string_view remedy);

// Null where there are none. Not value-initialized: pages that are never used are never touched.
std::unique_ptr<std::byte[]> try_bytes(std::size_t bytes);

}  // namespace hvd
