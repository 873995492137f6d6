#include "core/base/thread.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("a thread has its name, cut as the kernel cuts it, and joins when it goes", "[thread]") {
  std::array<char, 32> name{};
  {
    Thread thread("hvd-a-name-that-is-long",
                  [&] { pthread_getname_np(pthread_self(), name.data(), name.size()); });
  }
  CHECK(std::string(name.data()) == "hvd-a-name-that");
}

TEST_CASE("signals go past our threads and the caller keeps its own mask", "[thread]") {
  sigset_t before;
  pthread_sigmask(SIG_SETMASK, nullptr, &before);
  sigset_t inside;
  Thread("masked", [&] { pthread_sigmask(SIG_SETMASK, nullptr, &inside); }).join();
  sigset_t after;
  pthread_sigmask(SIG_SETMASK, nullptr, &after);
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGCHLD}) {
    CHECK(sigismember(&inside, signal) == 1);
    CHECK(sigismember(&after, signal) == sigismember(&before, signal));
  }
}

TEST_CASE("a moved thread runs on under its new owner", "[thread]") {
  std::atomic<bool> go{false};
  std::atomic<bool> ran{false};
  Thread first("waits", [&] {
    while (!go) {
      yield_thread();
    }
    ran = true;
  });
  Thread second;
  CHECK_FALSE(second.running());
  second = std::move(first);
  CHECK(second.running());
  go = true;
  second.join();
  CHECK(ran);
  CHECK_FALSE(second.running());
}

TEST_CASE("a forked child can drop a thread that does not exist there", "[thread]") {
  std::atomic<bool> stop{false};
  Thread thread("parent-only", [&] {
    while (!stop) {
      yield_thread();
    }
  });
  const pid_t child = fork();
  if (child == 0) {
    thread.abandon();
    _exit(thread.running() ? 1 : 0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  stop = true;
  CHECK(status == 0);
}

}  // namespace
}  // namespace hvd
