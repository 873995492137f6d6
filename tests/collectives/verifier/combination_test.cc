#include "collectives/verifier/combination.h"

#include "collectives/schedule.h"
#include "tests/catch.h"

namespace hvd {
namespace {

Elements of_rank(const TermTable& terms, int rank, std::uint64_t count) {
  return {count, {{0, Value{terms.input_of(Rank{rank}), 0}}}};
}

TEST_CASE("pieces with different boundaries are combined where they overlap", "[combination]") {
  TermTable terms(3);
  Elements ours{4,
                {{0, Value{terms.input_of(Rank{0}), 0}}, {3, Value{terms.input_of(Rank{1}), 0}}}};
  REQUIRE_FALSE(combine(terms, false, ours, of_rank(terms, 2, 4)));
  REQUIRE(ours.pieces.size() == 2);
  CHECK(terms.text(ours.pieces[0].value.term) == "(0 + 2)");
  CHECK(terms.text(ours.pieces[1].value.term) == "(1 + 2)");
  const auto fault = combine(terms, true, ours, of_rank(terms, 1, 4));
  REQUIRE(fault);
  CHECK(fault->begin == 3);
  CHECK(fault->end == 4);
}

TEST_CASE("the last step narrows, after the factors", "[combination]") {
  TermTable terms(1);
  Elements elements = of_rank(terms, 0, 1);
  REQUIRE_FALSE(finish_values(terms, kNarrow | kScalePost | kScalePre, elements));
  CHECK(terms.text(elements.pieces[0].value.term) == "narrow(0*pre*post)");
  Elements again = elements;
  REQUIRE_FALSE(finish_values(terms, kNarrow, again));
  CHECK(again.pieces[0].value == elements.pieces[0].value);
  CHECK(finish_values(terms, kScalePost, elements));
}

}  // namespace
}  // namespace hvd
