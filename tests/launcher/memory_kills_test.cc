#include "launcher/memory_kills.h"

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("the kernel's count of kills is found in both forms", "[memory_kills]") {
  CHECK(parse_oom_kills("low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n") == 2);
  CHECK(parse_oom_kills("oom_kill_disable 0\nunder_oom 0\noom_kill 7\n") == 7);
}

TEST_CASE("a text without the count counts nothing", "[memory_kills]") {
  CHECK(parse_oom_kills("") == 0);
  CHECK(parse_oom_kills("oom_kill") == 0);
  CHECK(parse_oom_kills("oom_kill x") == 0);
  CHECK(parse_oom_kills("a b c\noom_kill_disable 4") == 0);
  CHECK(count_memory_kills({}) == 0);
}

}  // namespace
}  // namespace hvd
