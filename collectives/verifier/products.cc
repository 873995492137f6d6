#include "collectives/verifier/products.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "core/base/str.h"

namespace hvd {
namespace {

bool overlap(const std::vector<TermTable::Range>& a, const std::vector<TermTable::Range>& b) {
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() && j < b.size()) {
    if (a[i].begin < b[j].end && b[j].begin < a[i].end) {
      return true;
    }
    a[i].end < b[j].end ? ++i : ++j;
  }
  return false;
}

std::string addition_fault(const TermTable& terms, TermId ours, TermId theirs) {
  const TermTable::Products* a = terms.products(ours);
  const TermTable::Products* b = terms.products(theirs);
  if (a == nullptr || b == nullptr) {
    return "it adds what are no dot products";
  }
  if (a->ranges.empty() || b->ranges.empty()) {
    return "";
  }
  if (a->left != b->left || a->right != b->right) {
    return str("it adds dot products of ", terms.text(a->left), " and ", terms.text(a->right),
               " to those of ", terms.text(b->left), " and ", terms.text(b->right));
  }
  return overlap(a->ranges, b->ranges) ? "it adds the dot products of some elements twice" : "";
}

std::string weighing_fault(const TermTable& terms, const TermTable::Products& products,
                           std::uint64_t element_count, TermId a, TermId b) {
  if (products.left != a || products.right != b) {
    return str("it weighs ", terms.text(a), " and ", terms.text(b), " by the products of ",
               terms.text(products.left), " and ", terms.text(products.right));
  }
  const bool is_whole = products.ranges.size() == 1 && products.ranges[0].begin == 0 &&
                        products.ranges[0].end == element_count;
  return is_whole ? "" : "it weighs by the products of a part of the vectors";
}

}  // namespace

std::optional<ValueFault> multiply(TermTable& terms, const Elements& a, const Elements& b,
                                   TermId& products) {
  if (a.count == 0) {
    products = terms.products_of(kUndefinedTerm, kUndefinedTerm, 0, 0);
    return std::nullopt;
  }
  if (a.pieces.size() != 1 || b.pieces.size() != 1) {
    return ValueFault{"an operand of its dot products holds more than one formula", 0, a.count};
  }
  const Value& left = a.pieces[0].value;
  const Value& right = b.pieces[0].value;
  if (std::string text = combination_fault(terms, left, right); !text.empty()) {
    return ValueFault{std::move(text), 0, a.count};
  }
  products = terms.products_of(left.term, right.term, left.shift, left.shift + a.count);
  return std::nullopt;
}

std::optional<ValueFault> add_products(TermTable& terms, bool reversed, Elements& ours,
                                       const Elements& theirs) {
  for (std::size_t i = 0; i < ours.pieces.size(); ++i) {
    TermId& mine = ours.pieces[i].value.term;
    const TermId other = theirs.pieces[std::min(i, theirs.pieces.size() - 1)].value.term;
    if (std::string text = addition_fault(terms, mine, other); !text.empty()) {
      return ValueFault{std::move(text), i, i + 1};
    }
    mine = reversed ? terms.added_products(other, mine) : terms.added_products(mine, other);
  }
  return std::nullopt;
}

std::optional<ValueFault> weigh(TermTable& terms, TermId products, std::uint64_t element_count,
                                Elements& a, const Elements& b) {
  const TermTable::Products* of = terms.products(products);
  if (of == nullptr || a.pieces.size() != 1 || b.pieces.size() != 1) {
    return ValueFault{of == nullptr ? "it weighs by what are no dot products"
                                    : "an operand that it weighs holds more than one formula",
                      0, a.count};
  }
  Value& left = a.pieces[0].value;
  const Value& right = b.pieces[0].value;
  std::string text = combination_fault(terms, left, right);
  if (text.empty()) {
    text = weighing_fault(terms, *of, element_count, left.term, right.term);
  }
  if (!text.empty()) {
    return ValueFault{std::move(text), 0, a.count};
  }
  left.term = terms.weighed(left.term, right.term, products);
  return std::nullopt;
}

}  // namespace hvd
