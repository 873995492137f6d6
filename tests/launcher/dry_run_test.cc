#include "launcher/dry_run.h"

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("a word is quoted when a shell would change it", "[dry_run]") {
  CHECK(shell_quoted("--lr=0.1") == "--lr=0.1");
  CHECK(shell_quoted("") == "''");
  CHECK(shell_quoted("a b") == "'a b'");
  CHECK(shell_quoted("$x") == "'$x'");
  CHECK(shell_quoted("it's") == "'it'\\''s'");
}

TEST_CASE("the plan shows every rank and no secret", "[dry_run]") {
  LaunchOptions options;
  options.rank_count = 2;
  options.command = {"python3", "train.py", "a b"};
  const std::string plan = describe_plan(options, 3);
  CHECK(plan.find("rank 0:\n") == 0);
  CHECK(plan.find("\nrank 1:\n") != std::string::npos);
  CHECK(plan.find("  HVD_RANK=1\n") != std::string::npos);
  CHECK(plan.find("  OMP_NUM_THREADS=3\n") != std::string::npos);
  CHECK(plan.find("  HVD_SECRET_FD=(inherited descriptor, made at the start)\n") !=
        std::string::npos);
  CHECK(plan.find("  python3 train.py 'a b'\n") != std::string::npos);
}

}  // namespace
}  // namespace hvd
