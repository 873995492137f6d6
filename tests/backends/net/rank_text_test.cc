#include "backends/net/rank_text.h"

#include <numeric>

#include "tests/catch.h"

namespace hvd {

TEST_CASE("ranks are named up to a limit and counted beyond it", "[rank_text]") {
  REQUIRE(ranks_text({2}) == "rank 2");
  REQUIRE(ranks_text({2, 3}) == "ranks 2 3");
  std::vector<int> many(64);
  std::iota(many.begin(), many.end(), 0);
  REQUIRE(ranks_text(many) == "ranks 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 and 48 more");
}

}  // namespace hvd
