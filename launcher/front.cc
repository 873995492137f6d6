#include "launcher/front.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <string>

#include "backends/net/os_error.h"
#include "backends/net/poller.h"
#include "launcher/process_tree.h"
#include "launcher/report.h"
#include "launcher/signals.h"
#include "launcher/terminal_input.h"

namespace hvd {
namespace {

struct Pipe {
  Fd reader, writer;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return os_error("making a pipe", errno);
  }
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

class Front {
 public:
  Front(pid_t job, Poller& poller) : job_(job), poller_(poller) {}

  Result<int> watch_over_job() {
    HVD_ASSIGN(const std::unique_ptr<SignalSource> signals,
               SignalSource::create(poller_, [this](int signal) { take_signal(signal); }));
    while (!end_) {
      HVD_ASSIGN([[maybe_unused]] const int ran, poller_.run_once(-1));
    }
    // Nothing is left below a job that ended by itself; below one that was killed, everything is.
    const bool clean = kill_descendants_now(5 * kSecond);
    if (end_->by_signal) {
      say(str("hvdrun: the process that ran the job (pid ", job_, ") ", describe_end(*end_),
              clean ? "; every rank was killed with it\n"
                    : "; some processes of the job could not be killed\n"));
    }
    return end_->exit_status();
  }

 private:
  void take_signal(int signal) {
    if (signal == SIGCHLD) {
      reap([this](pid_t pid, ProcessEnd end) {
        if (pid == job_) {
          end_ = end;
        }
      });
      return;
    }
    ::kill(job_, signal);
    if (signal == SIGTSTP) {
      ::raise(SIGSTOP);  // what the shell waits for; SIGCONT comes as a signal of its own
    }
  }
  static void say(const std::string& text) {
    (void)!::write(STDERR_FILENO, text.data(), text.size());
  }

  const pid_t job_;
  Poller& poller_;
  std::optional<ProcessEnd> end_;
};

}  // namespace

Result<int> run_with_front(const std::function<int(FrontEnds)>& job) {
  become_subreaper();
  HVD_ASSIGN(Pipe life, make_pipe());
  Pipe typed;
  if (::isatty(STDIN_FILENO) == 1) {
    HVD_ASSIGN(typed, make_pipe());
  }
  const pid_t child = ::fork();
  if (child < 0) {
    return os_error("forking the process that runs the job", errno);
  }
  if (child == 0) {
    ::setpgid(0, 0);  // so that a kill of the front's whole group leaves one of the two
    ::prctl(PR_SET_NAME, "hvd-job");
    become_subreaper();
    life.writer.reset();
    typed.writer.reset();
    const int stdin_fd = typed.reader.open() ? typed.reader.get() : STDIN_FILENO;
    ::_exit(job({.life = std::move(life.reader), .stdin_fd = stdin_fd}));
  }
  ::setpgid(child, child);
  life.reader.reset();
  typed.reader.reset();
  const SteadyClock clock;
  HVD_ASSIGN(const std::unique_ptr<Poller> poller, Poller::create(clock));
  std::optional<TerminalInput> input;
  if (typed.writer.open()) {
    input.emplace(*poller, STDIN_FILENO, std::move(typed.writer));
  }
  return Front(child, *poller).watch_over_job();
}

}  // namespace hvd
