#include "launcher/process_tree.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backends/net/fd.h"
#include "tests/catch.h"

namespace hvd {
namespace {

// As signals_test.cc: becoming a subreaper changes the whole process.
template <typename Body>
int in_child(Body body) {
  const pid_t child = ::fork();
  if (child == 0) {
    sigset_t child_ended;
    sigemptyset(&child_ended);
    sigaddset(&child_ended, SIGCHLD);
    ::sigprocmask(SIG_BLOCK, &child_ended, nullptr);
    ::_exit(body());
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

// Forks a child that forks a grandchild in a session of its own, and waits until both stand.
// The grandchild holds `alive`'s write end, so its end can be seen.
void grow_family(int ready_fd, bool child_stays) {
  if (::fork() == 0) {
    if (::fork() == 0) {
      ::setsid();
      ::signal(SIGTERM, SIG_IGN);
      (void)!::write(ready_fd, "x", 1);
      while (true) {
        ::pause();
      }
    }
    if (!child_stays) {
      ::_exit(0);
    }
    while (true) {
      ::pause();
    }
  }
}

TEST_CASE("children and grandchildren are found", "[process_tree]") {
  CHECK(in_child([] {
          int ends[2];
          if (::pipe(ends) != 0) {
            return __LINE__;
          }
          grow_family(ends[1], true);
          char byte = 0;
          (void)!::read(ends[0], &byte, 1);
          const std::size_t count = descendants().size();
          const bool gone = kill_descendants_now(20 * kSecond);
          return count == 2 && gone ? 0 : __LINE__;
        }) == 0);
}

TEST_CASE("an orphan in a session of its own does not get away", "[process_tree]") {
  CHECK(in_child([] {
          become_subreaper();
          int ends[2];
          if (::pipe(ends) != 0) {
            return __LINE__;
          }
          grow_family(ends[1], false);
          char byte = 0;
          (void)!::read(ends[0], &byte, 1);
          ::close(ends[1]);
          if (!kill_descendants_now(20 * kSecond)) {
            return __LINE__;
          }
          if (!descendants().empty()) {
            return __LINE__;
          }
          return ::read(ends[0], &byte, 1) == 0 ? 0 : __LINE__;  // nobody holds the pipe any more
        }) == 0);
}

TEST_CASE("reaping tells how each child ended and when none is left", "[process_tree]") {
  CHECK(in_child([] {
          const pid_t coded = ::fork();
          if (coded == 0) {
            ::_exit(7);
          }
          const pid_t killed = ::fork();
          if (killed == 0) {
            ::raise(SIGKILL);
          }
          int right = 0;
          bool any = true;
          while (any) {
            any = reap([&](pid_t pid, ProcessEnd end) {
              right += pid == coded && !end.by_signal && end.number == 7;
              right += pid == killed && end.by_signal && end.number == SIGKILL;
            });
          }
          return right == 2 ? 0 : __LINE__;
        }) == 0);
}

}  // namespace
}  // namespace hvd
