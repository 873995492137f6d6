#include "launcher/signals.h"

#include <sys/wait.h>
#include <unistd.h>

#include <vector>

#include "tests/catch.h"

namespace hvd {
namespace {

// In a process of its own, because signal settings belong to the whole process. Gives 0 or the line
// that failed.
template <typename Body>
int in_child(Body body) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::_exit(body());
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

TEST_CASE("signals arrive as events, and the setting before is given back", "[signals]") {
  CHECK(in_child([] {
          const SignalSetting before = take_signals();
          if (::sigismember(&before.mask, SIGTERM) != 0) {
            return __LINE__;
          }
          const SteadyClock clock;
          const auto poller = Poller::create(clock);
          std::vector<int> arrived;
          const auto source = SignalSource::create(**poller, [&](int s) { arrived.push_back(s); });
          ::raise(SIGTERM);
          ::raise(SIGUSR1);
          while (arrived.size() < 2) {
            (void)poller.value()->run_once(kSecond);
          }
          return arrived == std::vector<int>{SIGUSR1, SIGTERM} ? 0 : __LINE__;  // lowest first
        }) == 0);
}

TEST_CASE("a signal that was ignored stays ignored", "[signals]") {
  CHECK(in_child([] {
          ::signal(SIGHUP, SIG_IGN);
          (void)take_signals();
          sigset_t blocked;
          ::sigprocmask(SIG_BLOCK, nullptr, &blocked);
          if (::sigismember(&blocked, SIGHUP) != 0) {
            return __LINE__;
          }
          return ::sigismember(&blocked, SIGINT) == 1 ? 0 : __LINE__;
        }) == 0);
}

}  // namespace
}  // namespace hvd
