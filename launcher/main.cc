// hvdrun: starts a command once per rank and ends the job with the first failure.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "backends/bootstrap/cores.h"
#include "core/base/str.h"
#include "core/config/environment.h"
#include "launcher/command_lookup.h"
#include "launcher/dry_run.h"
#include "launcher/front.h"
#include "launcher/job.h"
#include "launcher/options.h"
#include "launcher/signals.h"

namespace hvd {
namespace {

constexpr int kExitUsage = 2;

int complain(const Status& status, int exit_status) {
  std::fputs(str("hvdrun: ", status.message(), "\n").c_str(), stderr);
  return exit_status;
}

int print(const std::string& text) {
  return std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0 ? 0 : 1;
}

// Whoever closed one of them ('<&-') would get hvdrun's own descriptors in its place.
void fill_standard_descriptors() {
  int fd = 0;
  do {
    fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  } while (fd >= 0 && fd <= STDERR_FILENO);
  if (fd >= 0) {
    ::close(fd);
  }
}

int run(const std::vector<std::string>& words) {
  Result<CommandLine> line = parse_command_line(words);
  if (!line.ok()) {
    return complain(line.status(), kExitUsage);
  }
  if (line->text) {
    return print(*line->text);
  }
  JobPlan plan{.options = line->options,
               .program = "",
               .environment = Environment::of_process(),
               .signals = {}};
  if (plan.options.dry_run) {
    const std::optional<int> threads =
        choose_threads(plan.environment, allowed_cores(), plan.options.rank_count);
    return print(describe_plan(plan.options, threads));
  }
  const std::string search_path = plan.environment.find("PATH").value_or("/usr/bin:/bin");
  Result<std::string> program = look_up_command(plan.options.command[0], search_path);
  if (!program.ok()) {
    return complain(program.status(), exit_status_for(program.status()));
  }
  plan.program = *program;
  plan.signals = take_signals();
  const Result<int> exit_status =
      run_with_front([&](FrontEnds ends) { return run_job(plan, std::move(ends)); });
  return exit_status.ok() ? *exit_status : complain(exit_status.status(), 1);
}

}  // namespace
}  // namespace hvd

int main(int argc, char** argv) {
  hvd::fill_standard_descriptors();
  return hvd::run({argv + 1, argv + argc});
}
