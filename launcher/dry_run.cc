#include "launcher/dry_run.h"

#include "core/base/str.h"
#include "launcher/rank_environment.h"

namespace hvd {

std::string shell_quoted(std::string_view word) {
  constexpr std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";
  if (!word.empty() && word.find_first_not_of(plain) == std::string_view::npos) {
    return std::string(word);
  }
  std::string quoted = "'";
  for (const char byte : word) {
    quoted += byte == '\'' ? std::string("'\\''") : std::string(1, byte);
  }
  return quoted + "'";
}

std::string describe_plan(const LaunchOptions& options, std::optional<int> threads) {
  const JobIdentity job{.rank_count = options.rank_count,
                        .rendezvous_addr = "127.0.0.1",
                        .rendezvous_port = 0,
                        .secret_fd = 0,
                        .threads = threads};
  std::string text;
  for (int rank = 0; rank < options.rank_count; ++rank) {
    text += str("rank ", rank, ":\n");
    for (auto [name, value] : variables_of_rank(rank, job, options)) {
      if (name == "HVD_SECRET_FD") {
        value = "(inherited descriptor, made at the start)";
      } else if (name == "HVD_RENDEZVOUS_PORT") {
        value = "(free port, chosen at the start)";
      }
      text += str("  ", name, "=", value.starts_with('(') ? value : shell_quoted(value), "\n");
    }
    text += " ";
    for (const std::string& word : options.command) {
      text += str(" ", shell_quoted(word));
    }
    text += "\n";
  }
  return text;
}

}  // namespace hvd
