#include "core/base/check.h"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <string>

#include "tests/catch.h"

namespace hvd {
namespace {

struct Death {
  int status = 0;
  std::string error_output;
};

// Runs HVD_CHECK(one == two) in a child and reports how the child ended and what it printed.
Death check_equal_in_child(int one, int two) {
  std::array<int, 2> ends{};
  REQUIRE(pipe(ends.data()) == 0);
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGABRT, SIG_DFL);  // not the test framework's
    dup2(ends[1], STDERR_FILENO);
    HVD_CHECK(one == two);
    _exit(0);
  }
  close(ends[1]);
  Death death;
  std::array<char, 512> part{};
  for (ssize_t size = 0; (size = read(ends[0], part.data(), part.size())) > 0;) {
    death.error_output.append(part.data(), static_cast<std::size_t>(size));
  }
  close(ends[0]);
  REQUIRE(waitpid(child, &death.status, 0) == child);
  return death;
}

TEST_CASE("a check that is false ends the process and says which and where", "[check]") {
  const Death death = check_equal_in_child(1, 2);
  CHECK(WIFSIGNALED(death.status));
  CHECK(WTERMSIG(death.status) == SIGABRT);
  CHECK_THAT(death.error_output, Catch::Contains("'one == two' is false at"));
  CHECK_THAT(death.error_output, Catch::Contains("check_test.cc"));
}

TEST_CASE("a check that is true does nothing", "[check]") {
  const Death death = check_equal_in_child(2, 2);
  CHECK(WIFEXITED(death.status));
  CHECK(death.error_output.empty());
}

}  // namespace
}  // namespace hvd
