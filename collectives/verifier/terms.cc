#include "collectives/verifier/terms.h"

#include <bit>

#include "core/base/str.h"

namespace hvd {

TermTable::TermTable(int rank_count)
    : rank_count_(rank_count), word_count_((static_cast<std::size_t>(rank_count) + 63) / 64) {
  entries_.resize(static_cast<std::size_t>(rank_count) + 1);
  ranks_.resize(entries_.size() * word_count_);
  for (int rank = 0; rank < rank_count; ++rank) {
    const TermId term = input_of(Rank{rank});
    entries_[term].shape.kind = Kind::input;
    ranks_[term * word_count_ + static_cast<std::size_t>(rank) / 64] |= 1ULL << (rank % 64);
  }
}

TermId TermTable::make(const Shape& shape) {
  const auto [found, is_new] = known_.try_emplace(shape, static_cast<TermId>(entries_.size()));
  if (!is_new) {
    return found->second;
  }
  const Entry& left = entries_[shape.left];
  entries_.push_back(Entry{shape, left.prescaled || shape.kind == Kind::prescaled,
                           left.postscaled || shape.kind == Kind::postscaled});
  for (std::size_t word = 0; word < word_count_; ++word) {
    // Term 0, the right side of those that have none, has no rank.
    ranks_.push_back(ranks_of(shape.left)[word] | ranks_of(shape.right)[word]);
  }
  return found->second;
}

bool TermTable::is_complete(TermId term) const { return missing_rank(term).value < 0; }

Rank TermTable::common_rank(TermId a, TermId b) const {
  for (std::size_t word = 0; word < word_count_; ++word) {
    if (const std::uint64_t common = ranks_of(a)[word] & ranks_of(b)[word]; common != 0) {
      return Rank{word * 64 + static_cast<std::size_t>(std::countr_zero(common))};
    }
  }
  return Rank{};
}

Rank TermTable::missing_rank(TermId term) const {
  for (int rank = 0; rank < rank_count_; ++rank) {
    if ((ranks_of(term)[rank / 64] >> (rank % 64) & 1U) == 0) {
      return Rank{rank};
    }
  }
  return Rank{};
}

std::string TermTable::text(TermId term) const {
  const Shape& shape = entries_[term].shape;
  switch (shape.kind) {
    case Kind::undefined:
      return "nothing";
    case Kind::input:
      return str(term - 1);
    case Kind::prescaled:
      return str(text(shape.left), "*pre");
    case Kind::postscaled:
      return str(text(shape.left), "*post");
    case Kind::narrowed:
      return str("narrow(", text(shape.left), ")");
    case Kind::reduced:
      return str("(", text(shape.left), " + ", text(shape.right), ")");
  }
  return "";
}

}  // namespace hvd
