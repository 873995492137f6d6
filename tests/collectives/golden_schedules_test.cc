#include "tests/collectives/golden_schedules.h"

#include <fstream>
#include <sstream>

#include "tests/catch.h"

namespace hvd {
namespace {

std::string contents_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return std::move(out).str();
}

TEST_CASE("printed schedules are those that were reviewed", "[golden]") {
  const std::vector<GoldenFile> files = golden_schedules();
  CHECK(files.size() == 45);
  for (const GoldenFile& file : files) {
    INFO("tests/golden/" << file.name << "; if the change is meant: ninja rewrite-golden, "
                         << "then review the diff");
    CHECK(contents_of(std::string(HVD_GOLDEN_DIR) + "/" + file.name) == file.text);
  }
}

}  // namespace
}  // namespace hvd
