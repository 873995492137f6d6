// digits.h: the handwritten digits that scikit-learn ships, read from a CSV file.
// A row is 64 pixels, 0 to 16, and the digit. Pixels are scaled to 0..1.
#pragma once

#include <array>
#include <string>
#include <vector>

constexpr int kPixelCount = 64;
constexpr int kDigitCount = 10;

struct Digit {
  std::array<double, kPixelCount> pixels;
  int digit;
};

// Ends the program with a message if the file cannot be read or is something else.
std::vector<Digit> read_digits(const std::string& path);
