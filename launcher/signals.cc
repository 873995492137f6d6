#include "launcher/signals.h"

#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "backends/net/os_error.h"

namespace hvd {
namespace {

constexpr std::array kForwarded = {SIGINT,  SIGTERM, SIGHUP,  SIGQUIT,
                                   SIGUSR1, SIGUSR2, SIGTSTP, SIGCONT};

bool is_ignored(int signal) {
  struct sigaction action {};
  return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

SignalSetting take_signals() {
  SignalSetting before;
  before.pipe_ignored = is_ignored(SIGPIPE);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGCHLD, SIG_DFL);  // inherited as ignored, children would vanish unseen
  sigset_t taken;
  sigemptyset(&taken);
  sigaddset(&taken, SIGCHLD);
  sigaddset(&taken, SIGTTOU);  // writing to the terminal from the background is fine for us
  sigaddset(&taken, SIGTTIN);
  for (const int signal : kForwarded) {
    if (!is_ignored(signal)) {
      sigaddset(&taken, signal);
    }
  }
  ::sigprocmask(SIG_BLOCK, &taken, &before.mask);
  return before;
}

Result<std::unique_ptr<SignalSource>> SignalSource::create(Poller& poller, Arrived arrived) {
  sigset_t wanted;
  ::sigprocmask(SIG_BLOCK, nullptr, &wanted);  // what is blocked now
  sigdelset(&wanted, SIGTTOU);
  sigdelset(&wanted, SIGTTIN);
  Fd fd(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd.open()) {
    return os_error("making a signal descriptor", errno);
  }
  const int number = fd.get();
  std::unique_ptr<SignalSource> source(new SignalSource(poller, std::move(fd), std::move(arrived)));
  HVD_TRY(poller.watch(number, EPOLLIN, [raw = source.get()](std::uint32_t) { raw->read_all(); }));
  return source;
}

void SignalSource::read_all() {
  signalfd_siginfo facts{};
  while (::read(fd_.get(), &facts, sizeof facts) == static_cast<ssize_t>(sizeof facts)) {
    arrived_(static_cast<int>(facts.ssi_signo));
  }
}

}  // namespace hvd
