#include "launcher/terminal_input.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace hvd {
namespace {
// A shell says nothing to a running job that it moves to the foreground, so hvdrun looks.
constexpr Nanos kForegroundLook = kSecond;
}  // namespace

TerminalInput::TerminalInput(Poller& poller, int terminal, Fd pipe)
    : poller_(poller), terminal_(terminal), pipe_(std::move(pipe)) {
  (void)::fcntl(pipe_.get(), F_SETFL, O_NONBLOCK);
  listen();
}

TerminalInput::~TerminalInput() { end(); }

void TerminalInput::listen() {
  if (!poller_.watch(terminal_, EPOLLIN, [this](std::uint32_t) { read_terminal(); }).ok()) {
    end();
  }
}

void TerminalInput::read_terminal() {
  poller_.forget(terminal_);
  if (::tcgetpgrp(terminal_) != ::getpgrp()) {  // `hvdrun ... &`: what is typed is the shell's
    timer_ = poller_.call_at(poller_.clock().now() + kForegroundLook, [this] { listen(); });
    return;
  }
  const ssize_t count = ::read(terminal_, typed_.data(), typed_.size());
  if (count == 0) {  // Ctrl-D
    end();
    return;
  }
  if (count < 0) {
    if (errno == EAGAIN || errno == EINTR) {
      listen();
    } else {
      end();
    }
    return;
  }
  typed_bytes_ = static_cast<std::size_t>(count);
  write_pipe();
}

void TerminalInput::write_pipe() {
  poller_.forget(pipe_.get());
  while (typed_bytes_ > 0) {
    const ssize_t count = ::write(pipe_.get(), typed_.data(), typed_bytes_);
    if (count < 0 && errno == EAGAIN) {
      if (!poller_.watch(pipe_.get(), EPOLLOUT, [this](std::uint32_t) { write_pipe(); }).ok()) {
        end();
      }
      return;
    }
    if (count < 0 && errno != EINTR) {
      end();  // rank 0 reads no more
      return;
    }
    if (count > 0) {
      typed_bytes_ -= static_cast<std::size_t>(count);
      std::memmove(typed_.data(), typed_.data() + count, typed_bytes_);
    }
  }
  listen();
}

void TerminalInput::end() {
  poller_.cancel(timer_);
  poller_.forget(terminal_);
  if (pipe_.open()) {
    poller_.forget(pipe_.get());
    pipe_.reset();
  }
}

}  // namespace hvd
