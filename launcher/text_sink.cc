#include "launcher/text_sink.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

#include "core/base/str.h"

namespace hvd {

TextSink::TextSink(Poller& poller, int fd)
    : poller_(poller), fd_(fd), is_terminal_(::isatty(fd) == 1) {
  struct stat facts {};
  if (::fstat(fd, &facts) != 0) {
    broken_ = true;  // closed by whoever started hvdrun: '>&-'
    return;
  }
  if (S_ISREG(facts.st_mode)) {
    return;
  }
  if (S_ISSOCK(facts.st_mode)) {
    way_ = Way::socket;
    return;
  }
  // O_NONBLOCK on `fd` itself would also change the shell that shares it. Fails where the file
  // belongs to another user (after sudo); then we ask poll() before each small write.
  reopened_ =
      Fd(::open(str("/proc/self/fd/", fd).c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  way_ = reopened_.open() ? Way::nonblocking : Way::careful;
}

TextSink::~TextSink() {
  if (watching_) {
    poller_.forget(way_ == Way::nonblocking ? reopened_.get() : fd_);
  }
}

long TextSink::write_some(std::string_view text) {
  switch (way_) {
    case Way::blocking:
      return ::write(fd_, text.data(), text.size());
    case Way::nonblocking:
      return ::write(reopened_.get(), text.data(), text.size());
    case Way::socket:
      return ::send(fd_, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    case Way::careful:
      break;
  }
  pollfd ready{.fd = fd_, .events = POLLOUT, .revents = 0};
  if (::poll(&ready, 1, 0) == 0) {
    errno = EAGAIN;
    return -1;
  }
  // A pipe that polls writable takes PIPE_BUF bytes without blocking.
  return ::write(fd_, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
}

void TextSink::write(std::string_view text) {
  if (broken_ || text.empty()) {
    return;
  }
  const bool idle = drained();
  queue_.append(text);
  if (idle) {
    flush();
  }
}

void TextSink::flush() {
  const bool was_full = full();
  while (!drained()) {
    const long count = write_some(std::string_view(queue_).substr(written_));
    if (count > 0) {
      written_ += static_cast<std::size_t>(count);
    } else if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      break;
    } else if (count < 0 && errno != EINTR) {
      broken_ = true;
      written_ = queue_.size();
    }
  }
  if (drained() || written_ > kSinkBytesMost) {
    queue_.erase(0, written_);
    written_ = 0;
  }
  watch_for_room();
  if (was_full && !full()) {
    for (const std::function<void()>& action : when_roomy_) {
      action();
    }
  }
}

void TextSink::watch_for_room() {
  const bool wanted = !drained();
  if (wanted == watching_) {
    return;
  }
  const int fd = way_ == Way::nonblocking ? reopened_.get() : fd_;
  if (!wanted) {
    poller_.forget(fd);
  } else if (!poller_.watch(fd, EPOLLOUT, [this](std::uint32_t) { flush(); }).ok()) {
    broken_ = true;
    queue_.clear();
    written_ = 0;
    return;
  }
  watching_ = wanted;
}

bool same_file(int fd, int other_fd) {
  struct stat one {};
  struct stat other {};
  return ::fstat(fd, &one) == 0 && ::fstat(other_fd, &other) == 0 && one.st_dev == other.st_dev &&
         one.st_ino == other.st_ino;
}

}  // namespace hvd
