// backends/net/fd.h: Fd owns one file descriptor and closes it when it goes.
// Not here: what the descriptor is; every maker of one asks for close-on-exec.
// Threads: a value with one owner.  Limits: none.
// Read next: poller.h.
#pragma once

#include <unistd.h>

#include <utility>

namespace hvd {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() { reset(); }
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = other.release();
    }
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;

  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }
  // Gives the descriptor away; the caller closes it.
  int release() { return std::exchange(fd_, -1); }
  void reset() {
    if (fd_ >= 0) {
      ::close(fd_);  // not retried on EINTR: Linux has closed it already
      fd_ = -1;
    }
  }

 private:
  int fd_ = -1;
};

}  // namespace hvd
