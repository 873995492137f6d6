#include "launcher/line_splitter.h"

#include <algorithm>

namespace hvd {

// How many bytes the first piece of `text` has; 0 if it is not finished yet.
std::size_t LineSplitter::end_of_piece(std::string_view text) const {
  std::size_t at = text.find_first_of(carriage_return_ends_ ? "\r\n" : "\n");
  if (at != std::string_view::npos && text[at] == '\r') {
    const std::size_t next = text.find_first_not_of('\r', at);
    if (next == std::string_view::npos) {
      at = next;  // "\r\n" may still come; it is one terminator
    } else {
      at = text[next] == '\n' ? next : next - 1;
    }
  }
  const std::size_t size = at == std::string_view::npos ? 0 : at + 1;
  if (size > piece_bytes_max_ || (size == 0 && text.size() >= piece_bytes_max_)) {
    return piece_bytes_max_;
  }
  return size;
}

void LineSplitter::feed(std::string_view bytes, const Emit& emit) {
  // Bytes that finish nothing are only appended: `rest_` is searched again, but it is bounded.
  std::string joined;
  if (!rest_.empty()) {
    joined = std::move(rest_);
    joined.append(bytes);
    bytes = joined;
  }
  while (const std::size_t size = end_of_piece(bytes)) {
    emit(bytes.substr(0, size));
    bytes.remove_prefix(size);
  }
  rest_ = std::string(bytes);
}

void LineSplitter::finish(const Emit& emit) {
  if (!rest_.empty()) {
    const std::string last = std::move(rest_);
    rest_.clear();
    emit(last);
  }
}

}  // namespace hvd
