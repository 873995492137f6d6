// core/base/log.h: levelled log lines with the rank in front, through a sink that the owner gives.
// Not here: where lines go (the composition root passes a sink); the timeline (ports/sink.h).
// Threads: any; a line reaches the sink whole.  Limits: none.
// Read next: str.h.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "core/base/str.h"

namespace hvd {

enum class LogLevel : int { trace = 0, debug = 1, info = 2, warning = 3, error = 4, off = 5 };

// "warning" -> LogLevel::warning. An unknown word gives `fallback`.
LogLevel log_level_from(std::string_view word, LogLevel fallback);
std::string_view log_level_name(LogLevel level);

class Logger {
 public:
  using Sink = std::function<void(LogLevel, std::string_view line)>;
  // `who` is put in front of each line, e.g. "rank 2"; empty for none.
  Logger(LogLevel least, std::string who, Sink sink)
      : least_(least), who_(std::move(who)), sink_(std::move(sink)) {}

  bool on(LogLevel level) const { return level >= least_; }
  template <typename... Values>
  void log(LogLevel level, const Values&... values) const {
    if (on(level)) {
      write(level, str(values...));
    }
  }
  template <typename... Values>
  void warn(const Values&... values) const {
    log(LogLevel::warning, values...);
  }
  template <typename... Values>
  void info(const Values&... values) const {
    log(LogLevel::info, values...);
  }
  template <typename... Values>
  void debug(const Values&... values) const {
    log(LogLevel::debug, values...);
  }

 private:
  void write(LogLevel level, const std::string& text) const;
  LogLevel least_;
  std::string who_;
  Sink sink_;
};

// Writes "hvd: warning: rank 2: text\n" to standard error with one write call.
Logger::Sink standard_error_sink();

}  // namespace hvd
