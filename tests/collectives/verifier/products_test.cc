#include "collectives/verifier/products.h"

#include "tests/catch.h"

namespace hvd {
namespace {

Elements part_of(const TermTable& terms, int rank, std::uint64_t begin, std::uint64_t end) {
  return {end - begin, {{0, Value{terms.input_of(Rank{rank}), begin}}}};
}

TermId products(TermTable& terms, std::uint64_t begin, std::uint64_t end) {
  TermId term = kUndefinedTerm;
  REQUIRE_FALSE(
      multiply(terms, part_of(terms, 0, begin, end), part_of(terms, 1, begin, end), term));
  return term;
}

Elements place(TermId term) { return {1, {{0, Value{term, 0}}}}; }

TEST_CASE("products of all parts together weigh the whole, those of some do not", "[products]") {
  TermTable terms(2);
  Elements sum = place(products(terms, 0, 3));
  Elements a = part_of(terms, 0, 5, 8);
  const Elements b = part_of(terms, 1, 5, 8);
  CHECK(weigh(terms, sum.pieces[0].value.term, 8, a, b));
  REQUIRE_FALSE(add_products(terms, false, sum, place(products(terms, 6, 8))));
  CHECK(weigh(terms, sum.pieces[0].value.term, 8, a, b));
  REQUIRE_FALSE(add_products(terms, true, sum, place(products(terms, 3, 6))));
  CHECK(weigh(terms, sum.pieces[0].value.term, 9, a, b));
  REQUIRE_FALSE(weigh(terms, sum.pieces[0].value.term, 8, a, b));
  CHECK(terms.text(a.pieces[0].value.term) == "(0 ~ 1)");
  CHECK(terms.is_complete(a.pieces[0].value.term));
}

TEST_CASE("products are of two formulas, over each element once", "[products]") {
  TermTable terms(3);
  Elements sum = place(products(terms, 0, 3));
  CHECK(add_products(terms, false, sum, place(products(terms, 2, 4))));
  TermId of_others = kUndefinedTerm;
  REQUIRE_FALSE(multiply(terms, part_of(terms, 0, 3, 4), part_of(terms, 2, 3, 4), of_others));
  CHECK(add_products(terms, false, sum, place(of_others)));
  CHECK(add_products(terms, false, sum, place(terms.input_of(Rank{1}))));
  TermId none = kUndefinedTerm;
  REQUIRE_FALSE(multiply(terms, Elements{}, Elements{}, none));
  REQUIRE_FALSE(add_products(terms, false, sum, place(none)));
  CHECK(terms.products(sum.pieces[0].value.term)->left == terms.input_of(Rank{0}));
}

TEST_CASE("what is multiplied or weighed is the same elements, of different ranks", "[products]") {
  TermTable terms(2);
  TermId term = kUndefinedTerm;
  CHECK(multiply(terms, part_of(terms, 0, 0, 3), part_of(terms, 1, 1, 4), term));
  CHECK(multiply(terms, part_of(terms, 0, 0, 3), part_of(terms, 0, 0, 3), term));
  Elements two = part_of(terms, 0, 0, 3);
  two.pieces.push_back({1, Value{terms.input_of(Rank{1}), 0}});
  CHECK(multiply(terms, two, part_of(terms, 1, 0, 3), term));
  Elements b = part_of(terms, 1, 0, 3);
  CHECK(weigh(terms, products(terms, 0, 3), 3, b, part_of(terms, 0, 0, 3)));  // the other way round
  Elements a = part_of(terms, 0, 0, 3);
  CHECK(weigh(terms, terms.input_of(Rank{0}), 3, a, b));
}

TEST_CASE("the order in which products were added is a part of the formula", "[products]") {
  TermTable terms(2);
  const TermId one = products(terms, 0, 1);
  const TermId two = products(terms, 1, 2);
  CHECK(terms.added_products(one, two) == terms.added_products(one, two));
  CHECK(terms.added_products(one, two) != terms.added_products(two, one));
  Elements a = part_of(terms, 0, 0, 2);
  Elements other = part_of(terms, 0, 0, 2);
  REQUIRE_FALSE(weigh(terms, terms.added_products(one, two), 2, a, part_of(terms, 1, 0, 2)));
  REQUIRE_FALSE(weigh(terms, terms.added_products(two, one), 2, other, part_of(terms, 1, 0, 2)));
  CHECK(a.pieces[0].value != other.pieces[0].value);
}

}  // namespace
}  // namespace hvd
