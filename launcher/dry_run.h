// launcher/dry_run.h: what --dry-run prints: every rank's command and variables, never a secret.
// Not here: the variables themselves (rank_environment.h).
// Threads: pure functions, any thread.  Limits: none.
// Read next: rank_environment.h.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "launcher/options.h"

namespace hvd {

// `word` as a shell needs it to be read back as one word.
std::string shell_quoted(std::string_view word);
std::string describe_plan(const LaunchOptions& options, std::optional<int> threads);

}  // namespace hvd
