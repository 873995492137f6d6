#include "collectives/verifier/contents.h"

namespace hvd {

void Contents::read(std::uint64_t offset, std::uint64_t count, Elements& elements) const {
  elements.count = count;
  elements.pieces.clear();
  if (count == 0) {
    return;
  }
  for (std::size_t i = pieces_.find(offset);
       i < pieces_.size() && pieces_[i].begin < offset + count; ++i) {
    const std::uint64_t begin = std::max(pieces_[i].begin, offset);
    elements.pieces.push_back(
        {begin - offset, Value{pieces_[i].value.term, pieces_[i].value.shift + offset}});
  }
}

void Contents::write(std::uint64_t offset, Elements& elements) {
  if (elements.count == 0) {
    return;
  }
  for (auto& piece : elements.pieces) {
    piece.begin += offset;
    piece.value.shift -= offset;
  }
  pieces_.replace(offset, offset + elements.count, elements.pieces);
}

}  // namespace hvd
