#include "core/vocabulary/rank.h"

#include <unordered_set>

#include "core/base/str.h"
#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("ranks compare, print and hash as their numbers; none is -1", "[rank]") {
  CHECK(Rank(1) < Rank(2));
  CHECK(Rank(2) == Rank(std::size_t{2}));
  CHECK(Rank().value == -1);
  CHECK(Rank(3).index() == 3);
  CHECK(str(Rank(7)) == "7");
  CHECK(std::unordered_set<Rank>{Rank(1), Rank(1), Rank(2)}.size() == 2);
  CHECK(kRoot == Rank(0));
}

}  // namespace
}  // namespace hvd
