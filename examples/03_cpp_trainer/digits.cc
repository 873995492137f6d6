#include "digits.h"

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

namespace {

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  std::cerr << "cpp_trainer: cannot use '" << path << "': " << why << "\n";
  std::exit(2);
}

Digit parse_row(const std::string& path, const std::string& line, std::size_t number) {
  std::istringstream cells(line);
  Digit row{};
  std::string cell;
  for (int i = 0; i <= kPixelCount; ++i) {
    if (!std::getline(cells, cell, ',')) {
      refuse(path, "line " + std::to_string(number) + " has fewer than 65 values");
    }
    const double value = std::strtod(cell.c_str(), nullptr);
    if (i < kPixelCount) {
      row.pixels[static_cast<std::size_t>(i)] = value / 16.0;
    } else {
      row.digit = static_cast<int>(value);
    }
  }
  if (row.digit < 0 || row.digit >= kDigitCount) {
    refuse(path, "line " + std::to_string(number) + " ends with no digit");
  }
  return row;
}

}  // namespace

std::vector<Digit> read_digits(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    refuse(path, "it cannot be opened");
  }
  std::vector<Digit> rows;
  std::string line;
  while (std::getline(file, line)) {
    rows.push_back(parse_row(path, line, rows.size() + 1));
  }
  if (rows.empty()) {
    refuse(path, "it is empty");
  }
  return rows;
}
