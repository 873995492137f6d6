// backends/net/os_error.h: a failed system call as a Status, with the kernel's reason in words.
// Not here: which code fits which call; the caller knows.
// Threads: any.  Limits: none.
// Read next: socket.h.
#pragma once

#include <string>
#include <string_view>

#include "core/base/status.h"

namespace hvd {

// "connection refused (errno 111)"
std::string os_reason(int error_number);
// "<what>: <reason>". Read errno before anything else can change it.
Status os_error(StatusCode code, std::string_view what, int error_number);
// The same with StatusCode::resource, which fits most makers of descriptors.
Status os_error(std::string_view what, int error_number);

}  // namespace hvd
