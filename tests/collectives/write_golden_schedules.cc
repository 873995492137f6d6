// Writes what golden_schedules.h and golden_decisions.h have into a folder: write_golden_schedules
// FOLDER.
#include <fstream>
#include <iostream>
#include <utility>
#include <vector>

#include "tests/collectives/golden_decisions.h"
#include "tests/collectives/golden_schedules.h"

int main(int argc, char* argv[]) {
  if (argc != 2) {
    std::cerr << "usage: write_golden_schedules FOLDER\n";
    return 2;
  }
  std::vector<hvd::GoldenFile> files = hvd::golden_schedules();
  std::vector<hvd::GoldenFile> decisions = hvd::golden_decisions();
  for (hvd::GoldenFile& file : decisions) {
    files.push_back(std::move(file));
  }
  for (const hvd::GoldenFile& file : files) {
    const std::string path = std::string(argv[1]) + "/" + file.name;
    std::ofstream out(path, std::ios::binary);
    out << file.text;
    if (!out.flush()) {
      std::cerr << "cannot write " << path << "\n";
      return 1;
    }
  }
  return 0;
}
