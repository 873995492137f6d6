#include "launcher/options.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <charconv>

#include "core/base/str.h"
#include "core/config/settings_table.h"
#include "launcher/version.h"

namespace hvd {
namespace {

constexpr const char* kExamples =
    R"(hvdrun starts a command once per rank on this host and ends the job with the first failure.

Usage:
  hvdrun -np N [options] command [arguments...]

Examples:
  hvdrun -np 2 python3 train.py --epochs 3     two ranks; '--epochs 3' belongs to train.py
  hvdrun -np 4 ./trainer                       any program that uses hvd.h
  hvdrun -np 2 --output-filename logs python3 train.py
                                               also writes logs/rank.0/stdout, logs/rank.0/stderr, ...
  hvdrun -np 2 --dry-run python3 train.py      shows what each rank would get, starts nothing
  hvdrun -np 2 -- ./-odd-name                  '--' ends hvdrun's options

Each rank finds HVD_RANK, HVD_SIZE and the other variables of hvdrun --help-env. The exit status is
that of the first rank that failed (128 + signal number if a signal ended it), else 0.
)";

class HelpFormatter final : public CLI::Formatter {
 public:
  std::string make_usage(const CLI::App*, std::string) const override { return ""; }
};

// Text of each option as given; judged after CLI11 has split the words.
struct RawOptions {
  std::string rank_count, grace_seconds, output_folder, hosts, log_level, start_timeout;
  bool no_prefix = false, tag_output = false, verbose = false, dry_run = false;
  bool help = false, help_env = false, version = false;
};

void add_options(CLI::App& app, RawOptions& raw) {
  app.add_option("-n,--num-proc,--np", raw.rank_count,
                 "how many ranks to start; -np N means the same");
  app.add_option("-H,--hosts", raw.hosts, "localhost:N only; other hosts are not supported yet");
  app.add_option("--output-filename", raw.output_folder,
                 "folder for copies of each rank's output: FOLDER/rank.N/stdout and stderr");
  app.add_flag("--no-prefix", raw.no_prefix, "print lines without '[rank]<stdout>:' in front");
  app.add_flag("--tag-output", raw.tag_output, "print lines with the prefix (the default)");
  app.add_option("--grace-seconds", raw.grace_seconds,
                 "seconds between SIGTERM and SIGKILL when the job must end (default 5)");
  app.add_option("--start-timeout", raw.start_timeout,
                 "seconds that init waits for all ranks (HVD_START_TIMEOUT_SECONDS)");
  app.add_option("--log-level", raw.log_level,
                 "trace, debug, info, warning, error or off; for hvdrun and the ranks");
  app.add_flag("--verbose", raw.verbose, "say what hvdrun does");
  app.add_flag("--dry-run", raw.dry_run, "print every command and variable, start nothing");
  app.add_flag("-h,--help", raw.help, "this text");
  app.add_flag("--help-env", raw.help_env, "every HVD_* variable with type, default and meaning");
  app.add_flag("-v,--version", raw.version, "the version");
  app.get_option("--num-proc")->type_name("N");
  app.get_option("--hosts")->type_name("HOST:N");
  app.get_option("--output-filename")->type_name("FOLDER");
  app.get_option("--grace-seconds")->type_name("S");
  app.get_option("--start-timeout")->type_name("S");
  app.get_option("--log-level")->type_name("LEVEL");
  for (CLI::Option* option : app.get_options()) {
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  }
}

Status usage_error(const std::string& text) {
  return error(StatusCode::invalid_argument, text, "; see hvdrun --help");
}

template <typename T>
std::optional<T> whole_number(std::string_view text) {
  T value{};
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

Result<int> judge_rank_count(const std::string& text) {
  if (text.empty()) {
    return usage_error("-np is missing: say how many ranks to start, as in 'hvdrun -np 2 ./train'");
  }
  const std::optional<int> count = whole_number<int>(text);
  if (!count || *count < 1 || *count > kRanksMost) {
    return usage_error(
        str("-np '", text, "': the number of ranks is a whole number from 1 to ", kRanksMost));
  }
  return *count;
}

Result<double> judge_seconds(const char* option, const std::string& text, double least) {
  const std::optional<double> seconds = whole_number<double>(text);
  if (!seconds || !(*seconds >= least) || *seconds > 1e6) {
    return usage_error(str(option, " '", text, "': seconds are a number from ", least, " to 1e6"));
  }
  return *seconds;
}

bool is_this_host(std::string_view host) {
  std::array<char, 256> own{};
  (void)::gethostname(own.data(), own.size() - 1);
  return host == "localhost" || host == "127.0.0.1" || host == own.data();
}

Status judge_hosts(const std::string& hosts, int rank_count) {
  const std::size_t colon = hosts.find(':');
  if (hosts.find(',') != std::string::npos || !is_this_host(hosts.substr(0, colon))) {
    return usage_error(str("-H '", hosts,
                           "': this hvdrun starts ranks on its own host only; more hosts come with "
                           "a later version. use -H localhost:N or leave -H out"));
  }
  if (colon == std::string::npos) {
    return ok_status();
  }
  const std::string slots_text = hosts.substr(colon + 1);
  const std::optional<int> slots = whole_number<int>(slots_text);
  if (!slots || *slots < 1) {
    return usage_error(str("-H '", hosts, "': '", slots_text, "' is not a number of slots"));
  }
  if (*slots < rank_count) {
    return usage_error(
        str("-H '", hosts, "' offers ", *slots, " slots, -np asks for ", rank_count));
  }
  return ok_status();
}

Result<LaunchOptions> judge(const RawOptions& raw, std::vector<std::string> command) {
  LaunchOptions options;
  HVD_ASSIGN(options.rank_count, judge_rank_count(raw.rank_count));
  if (!raw.hosts.empty()) {
    HVD_TRY(judge_hosts(raw.hosts, options.rank_count));
  }
  if (!raw.grace_seconds.empty()) {
    HVD_ASSIGN(options.grace_seconds, judge_seconds("--grace-seconds", raw.grace_seconds, 0));
  }
  if (!raw.start_timeout.empty()) {
    HVD_ASSIGN(options.start_timeout_seconds,
               judge_seconds("--start-timeout", raw.start_timeout, 0.01));
  }
  if (!raw.log_level.empty()) {
    const LogLevel level = log_level_from(raw.log_level, LogLevel::off);
    if (log_level_name(level) != raw.log_level) {
      return usage_error(str("--log-level '", raw.log_level,
                             "': choose trace, debug, info, warning, error or off"));
    }
    options.log_level = level;
  }
  if (raw.no_prefix && raw.tag_output) {
    return usage_error("--no-prefix and --tag-output contradict each other: give one");
  }
  options.prefix = !raw.no_prefix;
  options.output_folder = raw.output_folder;
  options.verbose = raw.verbose;
  options.dry_run = raw.dry_run;
  options.command = std::move(command);
  if (options.command.empty()) {
    return usage_error("no command given: say what each rank runs, as in 'hvdrun -np 2 ./train'");
  }
  return options;
}

// '-np' is a long name with one dash, which CLI11 would read as '-n p'. The number of words stays,
// so the command can be cut from the words as they were given.
std::vector<std::string> rewrite_np(std::span<const std::string> words) {
  std::vector<std::string> rewritten(words.begin(), words.end());
  for (std::string& word : rewritten) {
    if (word == "-np" || word.starts_with("-np=")) {
      word.replace(0, 3, "--num-proc");
    }
  }
  return rewritten;
}

}  // namespace

Result<CommandLine> parse_command_line(std::span<const std::string> words) {
  CLI::App app{kExamples};
  RawOptions raw;
  app.formatter(std::make_shared<HelpFormatter>());
  app.set_help_flag();
  app.prefix_command();
  add_options(app, raw);
  std::vector<std::string> reversed = rewrite_np(words);
  std::reverse(reversed.begin(), reversed.end());  // CLI11 takes words from the back
  try {
    app.parse(reversed);
  } catch (const CLI::ParseError& problem) {
    return usage_error(problem.what());
  }
  CommandLine line;
  if (raw.help || words.empty()) {
    line.text = app.help();
  } else if (raw.version) {
    line.text = str("hvdrun ", kVersion, "\n");
  } else if (raw.help_env) {
    line.text = settings_as_text();
  }
  if (line.text) {
    return line;
  }
  const std::vector<std::string> rest = app.remaining();
  std::size_t first = words.size() - rest.size();
  if (!rest.empty() && rest.front() == "--") {
    ++first;
  } else if (!rest.empty() && rest.front().size() > 1 && rest.front().front() == '-') {
    return usage_error(str("unknown option '", rest.front(), "'"));
  }
  HVD_ASSIGN(line.options,
             judge(raw, {words.begin() + static_cast<std::ptrdiff_t>(first), words.end()}));
  return line;
}

}  // namespace hvd
