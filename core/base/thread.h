// core/base/thread.h: the one home of std::thread: a named thread that joins when it goes.
// Not here: what the thread may touch (thread_role.h); sleeping (ports/idle.h).
// Threads: owned by one thread.  Limits: names are cut to 15 characters, as the kernel does.
// Read next: thread_role.h.
#pragma once

#include <functional>
#include <string>
#include <thread>

namespace hvd {

// Runs `body` on a thread of its own with every signal blocked, so that signals reach the
// application's threads (Python handles Ctrl-C on its main thread only).
class Thread {
 public:
  Thread() = default;
  Thread(const std::string& name, std::function<void()> body);
  ~Thread() { join(); }
  Thread(Thread&&) noexcept = default;
  Thread& operator=(Thread&& other) noexcept;
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  void join();
  bool running() const { return thread_.joinable(); }
  // Forgets the thread without joining it: for a forked child, where it does not exist.
  void abandon();

 private:
  std::thread thread_;
};

void yield_thread();

}  // namespace hvd
