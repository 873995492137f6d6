#include "core/base/log.h"

#include <array>
#include <cstdio>

namespace hvd {
namespace {
constexpr std::array<std::string_view, 6> kLevelNames = {"trace",   "debug", "info",
                                                         "warning", "error", "off"};
}  // namespace

LogLevel log_level_from(std::string_view word, LogLevel fallback) {
  for (std::size_t i = 0; i < kLevelNames.size(); ++i) {
    if (kLevelNames[i] == word) {
      return static_cast<LogLevel>(i);
    }
  }
  return fallback;
}

std::string_view log_level_name(LogLevel level) {
  return kLevelNames[static_cast<std::size_t>(level)];
}

void Logger::write(LogLevel level, const std::string& text) const {
  if (sink_) {
    const std::string_view separator = who_.empty() ? "" : ": ";
    sink_(level, str("hvd: ", log_level_name(level), ": ", who_, separator, text, "\n"));
  }
}

Logger::Sink standard_error_sink() {
  return [](LogLevel, std::string_view line) {
    std::fwrite(line.data(), 1, line.size(), stderr);  // stderr is unbuffered: one write
  };
}

}  // namespace hvd
