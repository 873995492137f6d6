#include "collectives/verifier/terms.h"

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("equal formulas have equal numbers, others have not", "[terms]") {
  TermTable terms(3);
  const TermId a = terms.input_of(Rank{0});
  const TermId b = terms.input_of(Rank{1});
  CHECK(terms.reduced(a, b) == terms.reduced(a, b));
  CHECK(terms.reduced(a, b) != terms.reduced(b, a));
  CHECK(terms.prescaled(a) != terms.postscaled(a));
  CHECK(terms.text(terms.postscaled(terms.reduced(terms.prescaled(b), a))) == "(1*pre + 0)*post");
}

TEST_CASE("a formula knows which ranks are in it", "[terms]") {
  TermTable terms(130);  // more ranks than a word has bits
  TermId sum = terms.input_of(Rank{0});
  for (int rank = 1; rank < 130; ++rank) {
    CHECK_FALSE(terms.is_complete(sum));
    CHECK(terms.missing_rank(sum) == Rank{rank});
    CHECK(terms.common_rank(sum, terms.input_of(Rank{rank})).value == -1);
    sum = terms.reduced(sum, terms.input_of(Rank{rank}));
  }
  CHECK(terms.is_complete(sum));
  CHECK(terms.common_rank(sum, terms.input_of(Rank{129})) == Rank{129});
}

TEST_CASE("factors stay with what is made of a formula", "[terms]") {
  TermTable terms(2);
  const TermId pre = terms.prescaled(terms.input_of(Rank{0}));
  CHECK_FALSE(terms.is_input(pre));
  CHECK(terms.is_prescaled(terms.reduced(pre, terms.prescaled(terms.input_of(Rank{1})))));
  CHECK(terms.is_postscaled(terms.postscaled(pre)));
  CHECK_FALSE(terms.is_postscaled(pre));
}

}  // namespace
}  // namespace hvd
