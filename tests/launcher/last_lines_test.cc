#include "launcher/last_lines.h"

#include "core/base/str.h"
#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("the last lines are the ones that are kept", "[last_lines]") {
  LastLines last;
  for (int i = 0; i < 100; ++i) {
    last.add(str("line ", i, "\n"));
  }
  REQUIRE(last.lines().size() == kLastLinesMost);
  CHECK(last.lines().front() == "line 70");
  CHECK(last.lines().back() == "line 99");
}

TEST_CASE("a line is kept as a terminal shows it in the end", "[last_lines]") {
  LastLines last;
  last.add("10%\r20%\r30%\n");
  last.add("windows\r\n");
  last.add("\n");
  last.add("bell\a and\tescape\x1b[31m\n");
  last.add("no newline");
  CHECK(last.lines() ==
        std::deque<std::string>{"30%", "windows", "bell? and\tescape?[31m", "no newline"});
}

TEST_CASE("a long line is cut and says so", "[last_lines]") {
  LastLines last;
  last.add(std::string(5000, 'x') + "\n");
  CHECK(last.lines().front() == std::string(kLastLineBytesMost, 'x') + " ...");
}

}  // namespace
}  // namespace hvd
