// launcher/last_lines.h: remembers the last lines of a rank for the report of its failure.
// Not here: the report (report.h).
// Threads: belongs to one thread.  Limits: kLastLinesMost lines of kLastLineBytesMost bytes.
// Read next: report.h.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

namespace hvd {

inline constexpr std::size_t kLastLinesMost = 30;
inline constexpr std::size_t kLastLineBytesMost = 500;

class LastLines {
 public:
  // A piece of LineSplitter. Kept is what a terminal would show in the end: the text after the last
  // carriage return, without control characters, cut to kLastLineBytesMost.
  void add(std::string_view piece);
  const std::deque<std::string>& lines() const { return lines_; }

 private:
  std::deque<std::string> lines_;
};

}  // namespace hvd
