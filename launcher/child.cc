#include "launcher/child.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "backends/net/fd.h"
#include "backends/net/os_error.h"

namespace hvd {
namespace {

std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (std::string& word : words) {
    pointers.push_back(word.data());
  }
  pointers.push_back(nullptr);
  return pointers;
}

// Everything that the child needs, made before fork so that it only calls the kernel.
struct ExecImage {
  explicit ExecImage(const ChildSpec& spec) : words(spec.command), shell_words(spec.command) {
    shell_words[0] = spec.program;
    shell_words.insert(shell_words.begin(), "/bin/sh");
    for (const auto& [name, value] : spec.environment) {
      variables.push_back(str(name, "=", value));
    }
    argv = pointers_to(words);
    shell_argv = pointers_to(shell_words);
    envp = pointers_to(variables);
  }
  std::vector<std::string> words, shell_words, variables;
  std::vector<char*> argv, shell_argv, envp;
};

bool set_up_descriptors(const ChildSpec& spec) {
  return ::dup2(spec.stdin_fd, 0) == 0 && ::dup2(spec.stdout_fd, 1) == 1 &&
         ::dup2(spec.stderr_fd, 2) == 2 &&
         (spec.kept_fd < 0 || ::fcntl(spec.kept_fd, F_SETFD, 0) == 0);
}

[[noreturn]] void become_rank(const ChildSpec& spec, const SignalSetting& signals,
                              const ExecImage& image, pid_t parent, int report_fd) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) {
    ::_exit(0);  // the parent died before prctl took effect
  }
  if (set_up_descriptors(spec)) {
    ::signal(SIGPIPE, signals.pipe_ignored ? SIG_IGN : SIG_DFL);
    ::sigprocmask(SIG_SETMASK, &signals.mask, nullptr);
    ::execve(spec.program.c_str(), image.argv.data(), image.envp.data());
    if (errno == ENOEXEC) {  // a script without '#!' line: what execvp and shells do
      ::execve("/bin/sh", image.shell_argv.data(), image.envp.data());
    }
  }
  const int reason = errno;
  (void)!::write(report_fd, &reason, sizeof reason);
  ::_exit(127);
}

}  // namespace

Result<pid_t> start_child(const ChildSpec& spec, const SignalSetting& signals) {
  const ExecImage image(spec);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return os_error("making a pipe to a new rank", errno);
  }
  Fd reader(ends[0]);
  Fd writer(ends[1]);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) {
    return os_error("forking a rank", errno);
  }
  if (child == 0) {
    become_rank(spec, signals, image, parent, writer.get());
  }
  ::setpgid(child, child);  // in both processes: whoever comes first
  writer.reset();
  int reason = 0;
  ssize_t count = 0;
  do {
    count = ::read(reader.get(), &reason, sizeof reason);  // ends when exec closes the pipe
  } while (count < 0 && errno == EINTR);
  if (count == static_cast<ssize_t>(sizeof reason)) {
    (void)::waitpid(child, nullptr, 0);
    const bool missing = reason == ENOENT;
    return error(missing ? StatusCode::not_found : StatusCode::permission_denied, "cannot run '",
                 spec.command[0], "': ", os_reason(reason),
                 missing ? "; the interpreter in its first line or a loader is missing" : "");
  }
  return child;
}

}  // namespace hvd
