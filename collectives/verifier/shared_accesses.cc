#include "collectives/verifier/shared_accesses.h"

namespace hvd {

std::optional<Conflict> SharedAccesses::read(std::uint64_t begin, std::uint64_t end, Access access,
                                             const VectorClock& clock) {
  const std::size_t first = pieces_.split(begin);
  const std::size_t last = pieces_.split(end);
  for (std::size_t i = first; i < last; ++i) {
    History& history = pieces_[i].value;
    if (history.last_write && !history.last_write->before(access.rank, clock)) {
      return Conflict{*history.last_write, true, pieces_[i].begin, pieces_.end_of(i)};
    }
    history.reads.push_back(access);
  }
  return std::nullopt;
}

std::optional<Conflict> SharedAccesses::write(std::uint64_t begin, std::uint64_t end, Access access,
                                              const VectorClock& clock) {
  const std::size_t first = pieces_.split(begin);
  const std::size_t last = pieces_.split(end);
  for (std::size_t i = first; i < last; ++i) {
    History& history = pieces_[i].value;
    if (history.last_write && !history.last_write->before(access.rank, clock)) {
      return Conflict{*history.last_write, true, pieces_[i].begin, pieces_.end_of(i)};
    }
    for (const Access& read : history.reads) {
      if (!read.before(access.rank, clock)) {
        return Conflict{read, false, pieces_[i].begin, pieces_.end_of(i)};
      }
    }
    history.last_write = access;
    history.reads.clear();
  }
  return std::nullopt;
}

}  // namespace hvd
