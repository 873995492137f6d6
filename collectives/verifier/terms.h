// collectives/verifier/terms.h: what an element holds, as a formula over the ranks' inputs.
// Not here: where it lies (contents.h).
// Threads: one.  Limits: terms are never freed; equal formulas have equal numbers.
// Read next: contents.h.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/vocabulary/rank.h"

namespace hvd {

using TermId = std::uint32_t;
inline constexpr TermId kUndefinedTerm = 0;  // nobody wrote it

// A formula: the input of a rank, that times the prescale, left (op) right, a result times the
// postscale, or one of these rounded to the narrow type; and Adasum's: the dot products of two
// formulas over some elements, a sum of such, and two formulas weighed by such a sum. Made through
// the table, so two elements
// were reduced in the same order exactly if their numbers are equal.
class TermTable {
 public:
  explicit TermTable(int rank_count);

  TermId input_of(Rank rank) const { return static_cast<TermId>(rank.value) + 1; }
  TermId prescaled(TermId term) { return make({Kind::prescaled, term, 0}); }
  TermId postscaled(TermId term) { return make({Kind::postscaled, term, 0}); }
  // Rounding twice is rounding once.
  TermId narrowed(TermId term) {
    return is_narrowed(term) ? term : make({Kind::narrowed, term, 0});
  }
  TermId reduced(TermId left, TermId right) { return make({Kind::reduced, left, right}); }
  // Of no elements: of nothing, and nothing.
  TermId products_of(TermId left, TermId right, std::uint64_t begin, std::uint64_t end);
  TermId added_products(TermId left, TermId right);
  TermId weighed(TermId left, TermId right, TermId products) {
    return make({Kind::weighed, left, right, products});
  }

  bool is_input(TermId term) const { return entries_[term].shape.kind == Kind::input; }
  bool is_narrowed(TermId term) const { return entries_[term].shape.kind == Kind::narrowed; }
  bool is_prescaled(TermId term) const { return entries_[term].prescaled; }
  bool is_postscaled(TermId term) const { return entries_[term].postscaled; }
  bool is_complete(TermId term) const;  // every rank contributed
  // A rank that contributed to both; none if there is no such rank.
  Rank common_rank(TermId a, TermId b) const;
  Rank missing_rank(TermId term) const;
  // Of dot products: of what, and over which elements.
  struct Range {
    std::uint64_t begin;
    std::uint64_t end;
    // NOLINTNEXTLINE(modernize-use-nullptr): clang 14 sees a null pointer in it
    friend auto operator<=>(const Range&, const Range&) = default;
  };
  struct Products {
    TermId left = kUndefinedTerm;
    TermId right = kUndefinedTerm;
    std::vector<Range> ranges;  // in order, apart from one another
  };
  // Null of any other formula.
  const Products* products(TermId term) const;
  std::string text(TermId term) const;  // e.g. ((0 + 1) + 2) * post

 private:
  enum class Kind : std::uint8_t {
    undefined,
    input,
    prescaled,
    reduced,
    postscaled,
    narrowed,
    products,
    added,
    weighed
  };
  struct Shape {
    Kind kind = Kind::undefined;
    TermId left = 0;
    TermId right = 0;
    TermId third = 0;  // weighed: the products; products: number of the range
    friend bool operator==(const Shape&, const Shape&) = default;
  };
  struct ShapeHash {
    std::size_t operator()(const Shape& shape) const {
      const std::uint64_t both = static_cast<std::uint64_t>(shape.left) << 32 | shape.right;
      return std::hash<std::uint64_t>()((both * 31 + shape.third) * 11 +
                                        static_cast<std::uint64_t>(shape.kind));
    }
  };
  struct Entry {
    Shape shape;
    bool prescaled = false;
    bool postscaled = false;
  };
  TermId make(const Shape& shape);
  const std::uint64_t* ranks_of(TermId term) const { return ranks_.data() + term * word_count_; }

  const int rank_count_;
  const std::size_t word_count_;
  std::vector<Entry> entries_;
  std::vector<std::uint64_t> ranks_;  // one bit a rank that contributed, word_count_ words a term
  std::unordered_map<Shape, TermId, ShapeHash> known_;
  std::unordered_map<TermId, Products> products_;
  std::map<Range, TermId> range_numbers_;
};

}  // namespace hvd
