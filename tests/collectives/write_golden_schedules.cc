// Writes the schedules of golden_schedules.h into a folder: write_golden_schedules FOLDER.
#include <fstream>
#include <iostream>

#include "tests/collectives/golden_schedules.h"

int main(int argc, char* argv[]) {
  if (argc != 2) {
    std::cerr << "usage: write_golden_schedules FOLDER\n";
    return 2;
  }
  for (const hvd::GoldenFile& file : hvd::golden_schedules()) {
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
