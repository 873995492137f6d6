#include "core/base/thread.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <new>
#include <utility>

namespace hvd {

Thread::Thread(const std::string& name, std::function<void()> body) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // inherited by the new thread
  thread_ = std::thread([short_name = name.substr(0, 15), body = std::move(body)] {
    pthread_setname_np(pthread_self(), short_name.c_str());
    body();
  });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Thread& Thread::operator=(Thread&& other) noexcept {
  if (this != &other) {
    join();
    thread_ = std::move(other.thread_);
  }
  return *this;
}

void Thread::join() {
  if (thread_.joinable()) {
    thread_.join();
  }
}

void Thread::abandon() {
  // A joinable std::thread may not be destroyed; detaching one that is gone is undefined. Starting
  // a fresh object in its place forgets the id and calls nothing.
  new (&thread_) std::thread();
}

void yield_thread() { sched_yield(); }

}  // namespace hvd
