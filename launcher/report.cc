#include "launcher/report.h"

#include <signal.h>
#include <string.h>

#include <cstdio>
#include <map>

#include "core/base/str.h"

namespace hvd {
namespace {

const RankStory& failed_rank(const JobStory& story) {
  return story.ranks[static_cast<std::size_t>(*story.first_failed)];
}

std::vector<int> living_ranks(const JobStory& story) {
  std::vector<int> ranks;
  for (std::size_t i = 0; i < story.ranks.size(); ++i) {
    if (!story.ranks[i].end && story.ranks[i].pid >= 0) {
      ranks.push_back(static_cast<int>(i));
    }
  }
  return ranks;
}

// "exited with code 1", "was ended by hvdrun with SIGTERM", ... the same words for equal fates.
std::string fate(const RankStory& rank) {
  if (rank.pid < 0) {
    return "not started";
  }
  if (!rank.end) {
    return "could not be killed";
  }
  const bool told = rank.last_signal != 0;
  if (rank.end->by_signal && rank.end->number == rank.last_signal) {
    return str("ended by hvdrun with ", signal_name(rank.last_signal));
  }
  if (rank.end->success()) {
    return told ? str("ended normally after ", signal_name(rank.last_signal), " from hvdrun")
                : "ended normally";
  }
  return told ? str(describe_end(*rank.end), " after ", signal_name(rank.last_signal),
                    " from hvdrun")
              : describe_end(*rank.end);
}

std::string fates_of_others(const JobStory& story) {
  std::map<std::string, std::vector<int>> ranks_by_fate;
  std::vector<std::string> order;
  for (std::size_t i = 0; i < story.ranks.size(); ++i) {
    if (static_cast<int>(i) == *story.first_failed) {
      continue;
    }
    const std::string text = fate(story.ranks[i]);
    if (!ranks_by_fate.contains(text)) {
      order.push_back(text);
    }
    ranks_by_fate[text].push_back(static_cast<int>(i));
  }
  std::string text;
  for (const std::string& each : order) {
    text += str("    ", rank_list(ranks_by_fate[each]), ": ", each, "\n");
  }
  return text;
}

}  // namespace

std::string signal_name(int signal) {
  const char* name = ::sigabbrev_np(signal);
  return name != nullptr ? str("SIG", name) : str("signal ", signal);
}

std::string seconds_text(Nanos duration) {
  char text[32];
  const double seconds = seconds_from_nanos(duration);
  (void)std::snprintf(text, sizeof text, seconds < 0.1 ? "%.3f s" : "%.1f s", seconds);
  return text;
}

std::string rank_list(const std::vector<int>& ranks) {
  std::string text = ranks.size() == 1 ? "rank" : "ranks";
  for (std::size_t i = 0; i < ranks.size();) {
    std::size_t last = i;
    while (last + 1 < ranks.size() && ranks[last + 1] == ranks[last] + 1) {
      ++last;
    }
    text += last > i + 1 ? str(" ", ranks[i], "-", ranks[last]) : str(" ", ranks[i]);
    i = last > i + 1 ? last + 1 : i + 1;
  }
  return text;
}

std::string describe_end(const ProcessEnd& end) {
  if (!end.by_signal) {
    return str("exited with code ", end.number);
  }
  return str("was killed by signal ", end.number, " (", signal_name(end.number), ")",
             end.core_dumped ? " and dumped core" : "");
}

std::string ending_notice(const JobStory& story, double grace_seconds) {
  return str("hvdrun: rank ", *story.first_failed, " ", describe_end(*failed_rank(story).end),
             "; ending ", rank_list(living_ranks(story)), " with SIGTERM, then SIGKILL after ",
             grace_seconds, " s\n");
}

std::string interrupt_notice(const JobStory& story, int signal, double grace_seconds) {
  return str("hvdrun: got ", signal_name(signal), " and passed it on to ",
             rank_list(living_ranks(story)), "; SIGKILL after ", grace_seconds, " s",
             signal == SIGINT ? " or at the next interrupt" : "", "\n");
}

std::string threads_notice(int threads, int rank_count, double cores) {
  const std::string whom = rank_count == 1 ? "1 rank" : str("each of ", rank_count, " ranks");
  return str("OMP_NUM_THREADS set to ", threads, " for ", whom, " (", cores,
             cores == 1 ? " core" : " cores", "); set it yourself to change this");
}

std::string failure_report(const JobStory& story, const FailureFacts& facts, int exit_status) {
  const RankStory& rank = failed_rank(story);
  std::string text =
      str("hvdrun: rank ", *story.first_failed, " (pid ", rank.pid, ") ", describe_end(*rank.end),
          " ", seconds_text(rank.ended - rank.started), " after its start; this ended the job\n");
  if (facts.out_of_memory) {
    text +=
        "  the kernel killed a process of this memory cgroup meanwhile because memory ran out\n";
  }
  if (facts.last_lines.empty()) {
    text += "  it printed nothing\n";
  } else {
    text += str("  last lines of rank ", *story.first_failed, ":\n");
    for (const std::string& line : facts.last_lines) {
      text += str("    | ", line, "\n");
    }
  }
  if (!facts.logs_folder.empty()) {
    text += str("  all of its output: ", facts.logs_folder, "\n");
  }
  if (story.ranks.size() > 1) {
    text += str("  the others:\n", fates_of_others(story));
  }
  return text + str("  exit status ", exit_status, "\n");
}

}  // namespace hvd
