// launcher/options.h: hvdrun's command line as one value, or a sentence that says what is wrong.
// Not here: what the options do (job.h, rank_environment.h).
// Threads: pure functions, any thread.  Limits: kRanksMost ranks on one host.
// Read next: command_lookup.h.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/log.h"
#include "core/base/status.h"

namespace hvd {

inline constexpr int kRanksMost = 4096;

struct LaunchOptions {
  int rank_count = 0;
  double grace_seconds = 5;
  std::string output_folder;  // "" for none
  bool prefix = true;
  bool verbose = false;
  bool dry_run = false;
  std::optional<LogLevel> log_level;            // also given to the ranks
  std::optional<double> start_timeout_seconds;  // given to the ranks
  std::vector<std::string> command;
};

// Either options, or a text that was asked for (--help, --version, --help-env).
struct CommandLine {
  LaunchOptions options;
  std::optional<std::string> text;
};

// `words` without the program's name. Everything from the first word that is neither an option nor
// an option's value belongs to the command and is never looked at.
Result<CommandLine> parse_command_line(std::span<const std::string> words);

}  // namespace hvd
