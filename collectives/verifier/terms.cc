#include "collectives/verifier/terms.h"

#include <algorithm>
#include <bit>
#include <utility>

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

TermId TermTable::products_of(TermId left, TermId right, std::uint64_t begin, std::uint64_t end) {
  const Range range{begin, end};
  const auto number = static_cast<TermId>(range_numbers_.size());
  const TermId third = range_numbers_.try_emplace(range, number).first->second;
  const TermId term = make({Kind::products, left, right, third});
  if (const auto [found, is_new] = products_.try_emplace(term); is_new) {
    found->second = {left, right, {}};
    if (begin < end) {
      found->second.ranges.push_back(range);
    }
  }
  return term;
}

TermId TermTable::added_products(TermId left, TermId right) {
  const TermId term = make({Kind::added, left, right});
  if (products_.count(term) > 0) {
    return term;
  }
  const Products& a = products_.at(left);
  const Products& b = products_.at(right);
  std::vector<Range> both(a.ranges.size() + b.ranges.size());
  std::merge(a.ranges.begin(), a.ranges.end(), b.ranges.begin(), b.ranges.end(), both.begin());
  Products sum = a.ranges.empty() ? Products{b.left, b.right, {}} : Products{a.left, a.right, {}};
  for (const Range& range : both) {
    if (!sum.ranges.empty() && sum.ranges.back().end == range.begin) {
      sum.ranges.back().end = range.end;
    } else {
      sum.ranges.push_back(range);
    }
  }
  products_.emplace(term, std::move(sum));
  return term;
}

const TermTable::Products* TermTable::products(TermId term) const {
  const auto found = products_.find(term);
  return found == products_.end() ? nullptr : &found->second;
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
    case Kind::products:
      return str("<", text(shape.left), ", ", text(shape.right), ">");
    case Kind::added:
      return str(text(shape.left), " + ", text(shape.right));
    case Kind::weighed:
      return str("(", text(shape.left), " ~ ", text(shape.right), ")");
  }
  return "";
}

}  // namespace hvd
