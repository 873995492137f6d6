#include "launcher/last_lines.h"

namespace hvd {

void LastLines::add(std::string_view piece) {
  while (!piece.empty() && (piece.back() == '\n' || piece.back() == '\r')) {
    piece.remove_suffix(1);
  }
  const std::size_t redrawn = piece.rfind('\r');
  if (redrawn != std::string_view::npos) {
    piece.remove_prefix(redrawn + 1);
  }
  if (piece.empty()) {
    return;  // blank lines would push out the ones that say something
  }
  const bool cut = piece.size() > kLastLineBytesMost;
  std::string line(piece.substr(0, kLastLineBytesMost));
  for (char& byte : line) {
    if (static_cast<unsigned char>(byte) < 0x20 && byte != '\t') {
      byte = '?';
    }
  }
  lines_.push_back(cut ? line + " ..." : line);
  if (lines_.size() > kLastLinesMost) {
    lines_.pop_front();
  }
}

}  // namespace hvd
