// core/base/str.h: joins values into one std::string, for error texts and logs.
// Not here: number formatting with width or precision (callers outside core use fmt).
// Threads: pure functions, any thread.  Limits: none.
// Read next: status.h.
#pragma once

#include <sstream>
#include <string>

namespace hvd {

template <typename... Values>
std::string str(const Values&... values) {
  std::ostringstream out;
  (out << ... << values);
  return std::move(out).str();
}

}  // namespace hvd
