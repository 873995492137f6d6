#include "collectives/verifier/combination.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "collectives/schedule.h"
#include "core/base/str.h"

namespace hvd {
namespace {

std::uint64_t end_of(const Elements& elements, std::size_t piece) {
  return piece + 1 < elements.pieces.size() ? elements.pieces[piece + 1].begin : elements.count;
}

std::string scaled(TermTable& terms, unsigned flags, TermId& term) {
  if ((flags & kScalePre) != 0) {
    if (!terms.is_input(term)) {
      return str("the prescale is for a rank's own input, and this is ", terms.text(term));
    }
    term = terms.prescaled(term);
  }
  if ((flags & kScalePost) != 0) {
    if (terms.is_postscaled(term) || !terms.is_complete(term)) {
      return str("the postscale is for results, once, and this is ", terms.text(term));
    }
    term = terms.postscaled(term);
  }
  return "";
}

}  // namespace

std::string combination_fault(const TermTable& terms, const Value& ours, const Value& theirs) {
  if (ours.shift != theirs.shift) {
    return "it reduces elements of different places of the vector";
  }
  if (const Rank common = terms.common_rank(ours.term, theirs.term); common.value >= 0) {
    return str("rank ", common, " is in both operands, ", terms.text(ours.term), " and ",
               terms.text(theirs.term));
  }
  if (terms.is_postscaled(ours.term) || terms.is_postscaled(theirs.term)) {
    return "an operand is postscaled already";
  }
  if (terms.is_prescaled(ours.term) != terms.is_prescaled(theirs.term)) {
    return "one operand is prescaled and the other is not";
  }
  return "";
}

std::optional<ValueFault> combine(TermTable& terms, bool reversed, Elements& ours,
                                  const Elements& theirs) {
  std::vector<PieceMap<Value>::Piece> combined;
  combined.reserve(std::max(ours.pieces.size(), theirs.pieces.size()));
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < ours.pieces.size() && j < theirs.pieces.size()) {
    const Value& mine = ours.pieces[i].value;
    const Value& other = theirs.pieces[j].value;
    const std::uint64_t begin = std::max(ours.pieces[i].begin, theirs.pieces[j].begin);
    const std::uint64_t my_end = end_of(ours, i);
    const std::uint64_t other_end = end_of(theirs, j);
    const std::uint64_t end = std::min(my_end, other_end);
    if (std::string text = combination_fault(terms, mine, other); !text.empty()) {
      return ValueFault{std::move(text), begin, end};
    }
    const TermId term =
        reversed ? terms.reduced(other.term, mine.term) : terms.reduced(mine.term, other.term);
    combined.push_back({begin, Value{term, mine.shift}});
    i += my_end == end ? 1 : 0;
    j += other_end == end ? 1 : 0;
  }
  std::swap(ours.pieces, combined);
  return std::nullopt;
}

std::optional<ValueFault> finish_values(TermTable& terms, unsigned flags, Elements& elements) {
  if ((flags & (kScalePre | kScalePost | kNarrow)) == 0) {
    return std::nullopt;
  }
  for (std::size_t i = 0; i < elements.pieces.size(); ++i) {
    TermId& term = elements.pieces[i].value.term;
    if (std::string text = scaled(terms, flags, term); !text.empty()) {
      return ValueFault{std::move(text), elements.pieces[i].begin, end_of(elements, i)};
    }
    if ((flags & kNarrow) != 0) {
      term = terms.narrowed(term);
    }
  }
  return std::nullopt;
}

}  // namespace hvd
