#include "launcher/process_tree.h"

#include <dirent.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <sstream>

#include "backends/bootstrap/cores.h"
#include "core/base/str.h"

namespace hvd {
namespace {

void add_children(pid_t parent, std::vector<pid_t>& pids) {
  const std::string tasks = str("/proc/", parent, "/task");
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(tasks.c_str()), ::closedir);
  if (!folder) {
    return;  // ended meanwhile
  }
  // NOLINTNEXTLINE(concurrency-mt-unsafe): glibc's serves threads that read folders of their own
  while (const dirent* entry = ::readdir(folder.get())) {
    if (entry->d_name[0] == '.') {
      continue;
    }
    std::istringstream children(read_text_file(str(tasks, "/", entry->d_name, "/children")));
    for (pid_t pid = 0; children >> pid;) {
      pids.push_back(pid);
    }
  }
}

}  // namespace

void become_subreaper() { ::prctl(PR_SET_CHILD_SUBREAPER, 1); }

std::vector<pid_t> descendants() {
  std::vector<pid_t> pids;
  add_children(::getpid(), pids);
  for (std::size_t i = 0; i < pids.size(); ++i) {
    add_children(pids[i], pids);
  }
  return pids;
}

void signal_descendants(int signal) {
  for (const pid_t pid : descendants()) {
    ::kill(pid, signal);
  }
}

bool reap(const std::function<void(pid_t, ProcessEnd)>& ended) {
  while (true) {
    siginfo_t facts{};
    if (::waitid(P_ALL, 0, &facts, WEXITED | WNOHANG) != 0) {
      return errno != ECHILD;
    }
    if (facts.si_pid == 0) {
      return true;
    }
    ended(facts.si_pid, {.by_signal = facts.si_code != CLD_EXITED,
                         .number = facts.si_status,
                         .core_dumped = facts.si_code == CLD_DUMPED});
  }
}

bool kill_descendants_now(Nanos patience) {
  const SteadyClock clock;
  const Time until = clock.now() + patience;
  sigset_t child_ended;
  sigemptyset(&child_ended);
  sigaddset(&child_ended, SIGCHLD);
  do {
    signal_descendants(SIGKILL);
    // A killed process needs a moment to become reapable. SIGCHLD is blocked, so it ends the wait;
    // the limit is for one that was taken by an earlier pass.
    const timespec limit{.tv_sec = 0, .tv_nsec = 10 * kMillisecond};
    (void)::sigtimedwait(&child_ended, nullptr, &limit);
    if (!reap([](pid_t, ProcessEnd) {})) {
      return true;
    }
  } while (clock.now() < until);
  return false;
}

}  // namespace hvd
