#include "collectives/figure_text.h"

#include <array>
#include <cstddef>
#include <cstdio>

namespace hvd {
namespace {

std::string rounded(const char* pattern, double value) {
  std::array<char, 64> text{};
  (void)std::snprintf(text.data(), text.size(), pattern, value);
  return text.data();
}

}  // namespace

std::string bytes_text(double bytes) {
  constexpr std::array<const char*, 6> kUnits = {" B", " KiB", " MiB", " GiB", " TiB", " PiB"};
  std::size_t unit = 0;
  while (bytes >= 1024 && unit + 1 < kUnits.size()) {
    bytes /= 1024;
    ++unit;
  }
  return rounded("%.4g", bytes) + kUnits[unit];
}

std::string time_text(double seconds) {
  if (seconds < 1e-3) {
    return rounded("%.3g us", seconds * 1e6);
  }
  return seconds < 1 ? rounded("%.3g ms", seconds * 1e3) : rounded("%.3g s", seconds);
}

}  // namespace hvd
