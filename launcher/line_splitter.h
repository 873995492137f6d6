// launcher/line_splitter.h: cuts a rank's output into whole lines, whatever way it arrives.
// Not here: descriptors and prefixes (output_relay.h).
// Threads: belongs to one thread.  Limits: holds at most piece_bytes_max bytes.
// Read next: output_relay.h.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace hvd {

class LineSplitter {
 public:
  // On a terminal a carriage return ends a piece too, so that progress bars move. In files and
  // pipes it is a byte like others, so that a bar that is drawn 1000 times stays one line.
  explicit LineSplitter(bool carriage_return_ends, std::size_t piece_bytes_max = 64 << 10)
      : carriage_return_ends_(carriage_return_ends), piece_bytes_max_(piece_bytes_max) {}

  using Emit = std::function<void(std::string_view piece)>;
  // Gives every finished piece with its terminator. A line longer than piece_bytes_max comes in
  // pieces of which only the last has one. Nothing is changed, dropped or added.
  void feed(std::string_view bytes, const Emit& emit);
  bool holds_rest() const { return !rest_.empty(); }
  // Gives what is left: the end of a stream that does not end with a newline.
  void finish(const Emit& emit);

 private:
  std::size_t end_of_piece(std::string_view text) const;
  const bool carriage_return_ends_;
  const std::size_t piece_bytes_max_;
  std::string rest_;
};

}  // namespace hvd
