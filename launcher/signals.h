// launcher/signals.h: hvdrun takes signals as events of its poller, never in handlers.
// Not here: what a signal means for the job (job_state.h) and for the terminal (front.h).
// Threads: call from a process with one thread.  Limits: none.
// Read next: front.h.
#pragma once

#include <signal.h>

#include <functional>
#include <memory>

#include "backends/net/fd.h"
#include "backends/net/poller.h"
#include "core/base/status.h"
#include "launcher/child.h"

namespace hvd {

// Blocks what hvdrun listens to and gives the setting as it was, for the ranks. Signals that were
// ignored (nohup, background jobs of scripts) stay so. SIGPIPE is ignored: writes say EPIPE.
SignalSetting take_signals();

class SignalSource {
 public:
  using Arrived = std::function<void(int signal)>;
  // Only signals that take_signals() has blocked arrive.
  static Result<std::unique_ptr<SignalSource>> create(Poller& poller, Arrived arrived);
  ~SignalSource() { poller_.forget(fd_.get()); }
  SignalSource(const SignalSource&) = delete;
  SignalSource& operator=(const SignalSource&) = delete;

 private:
  SignalSource(Poller& poller, Fd fd, Arrived arrived)
      : poller_(poller), fd_(std::move(fd)), arrived_(std::move(arrived)) {}
  void read_all();
  Poller& poller_;
  Fd fd_;
  Arrived arrived_;
};

}  // namespace hvd
