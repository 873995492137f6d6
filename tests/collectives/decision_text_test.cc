#include "collectives/decision_text.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "tests/catch.h"
#include "tests/collectives/golden_decisions.h"
#include "tests/collectives/table_jobs.h"

namespace hvd {
namespace {

std::string contents_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return std::move(out).str();
}

TEST_CASE("the decisions of jobs that measured nothing are those that were reviewed", "[golden]") {
  const std::vector<GoldenFile> files = golden_decisions();
  CHECK(files.size() == 4);
  for (const GoldenFile& file : files) {
    INFO("tests/golden/" << file.name << "; if the change is meant: ninja rewrite-golden, "
                         << "then review the diff");
    CHECK(contents_of(std::string(HVD_GOLDEN_DIR) + "/" + file.name) == file.text);
  }
}

bool says(const std::vector<std::string>& lines, std::string_view part) {
  return std::any_of(lines.begin(), lines.end(),
                     [&](const std::string& line) { return line.find(part) != std::string::npos; });
}

TEST_CASE("a log gets a line for each border, with what decided", "[decisions]") {
  const TableJob lone(4, 1);
  DecisionTable table = lone.table();
  const std::vector<std::string> lines = decision_lines(table);
  CHECK(
      says(lines, "broadcast: up to 4 MiB chain in chunks of 16 KiB, by predicted time; at that"));
  CHECK(says(lines,
             "allreduce: up to 32 KiB recursive_doubling, by predicted time; at that size "
             "83.1 us, next halving_doubling 100 us"));
  CHECK(says(lines, "barrier: dissemination"));
  CHECK(lines.size() < 60);
  const TableJob one_host(1, 4);
  DecisionTable rules = one_host.table();
  CHECK(says(decision_lines(rules), "allreduce: up to 32 KiB one_shot, by the rules"));
}

}  // namespace
}  // namespace hvd
