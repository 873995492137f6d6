#include "collectives/generators/binomial_tree.h"

#include <algorithm>
#include <bit>

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("a binomial tree has each rank once, below a parent that knows it", "[binomial_tree]") {
  for (int p = 1; p <= 33; ++p) {
    for (int root = 0; root < p; ++root) {
      std::vector<int> child_count(static_cast<std::size_t>(p));
      for (int rank = 0; rank < p; ++rank) {
        const TreePlace place = binomial_place(Rank{rank}, p, Rank{root});
        REQUIRE((place.parent.value < 0) == (rank == root));
        for (const Rank child : place.children) {
          ++child_count[child.index()];
          REQUIRE(binomial_place(child, p, Rank{root}).parent == Rank{rank});
        }
        REQUIRE(place.children.size() <=
                static_cast<std::size_t>(std::bit_width(static_cast<unsigned>(p))));
      }
      child_count[static_cast<std::size_t>(root)] += 1;
      REQUIRE(std::all_of(child_count.begin(), child_count.end(), [](int n) { return n == 1; }));
    }
  }
}

TEST_CASE("the smallest subtree comes first", "[binomial_tree]") {
  CHECK(binomial_place(Rank{0}, 8, Rank{0}).children ==
        std::vector<Rank>{Rank{1}, Rank{2}, Rank{4}});
  CHECK(binomial_place(Rank{7}, 8, Rank{5}).children == std::vector<Rank>{Rank{0}});
}

}  // namespace
}  // namespace hvd
