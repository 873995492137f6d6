// launcher/command_lookup.h: finds out before anything starts whether a command can be run.
// Not here: running it (child.h).
// Threads: reads the file system, any thread.  Limits: none.
// Read next: child.h.
#pragma once

#include <string>

#include "core/base/status.h"

namespace hvd {

// As a shell would answer.
inline constexpr int kExitNotExecutable = 126;
inline constexpr int kExitNotFound = 127;

// The file that `command` names: itself if it has a slash, else the first match in `search_path`
// (colon separated). not_found and permission_denied carry a sentence with a next step.
Result<std::string> look_up_command(const std::string& command, const std::string& search_path);

// 127 for not_found, 126 for everything else.
int exit_status_for(const Status& lookup);

}  // namespace hvd
