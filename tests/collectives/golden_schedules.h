// tests/collectives/golden_schedules.h: the printed schedules that tests/golden keeps for review.
// Not here: comparing (golden_schedules_test.cc), writing (write_golden_schedules.cc).
// Threads: pure functions.  Limits: none.
// Read next: tests/golden/README.md.
#pragma once

#include <string>
#include <vector>

namespace hvd {

struct GoldenFile {
  std::string name;  // below tests/golden
  std::string text;
};

std::vector<GoldenFile> golden_schedules();

}  // namespace hvd
