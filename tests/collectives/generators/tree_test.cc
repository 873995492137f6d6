#include "collectives/generators/tree.h"

#include <algorithm>
#include <bit>

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("a binomial tree has each rank once, below a parent that knows it", "[tree]") {
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

TEST_CASE("the smallest subtree comes first", "[tree]") {
  CHECK(binomial_place(Rank{0}, 8, Rank{0}).children ==
        std::vector<Rank>{Rank{1}, Rank{2}, Rank{4}});
  CHECK(binomial_place(Rank{7}, 8, Rank{5}).children == std::vector<Rank>{Rank{0}});
}

TEST_CASE("a chain goes from the root over all ranks", "[tree]") {
  for (int root = 0; root < 5; ++root) {
    Rank at{root};
    for (int i = 0; i < 5; ++i) {
      const TreePlace place = chain_place(at, 5, Rank{root});
      CHECK((place.parent.value < 0) == (i == 0));
      REQUIRE(place.children.size() == (i < 4 ? 1U : 0U));
      if (i < 4) {
        CHECK(chain_place(place.children[0], 5, Rank{root}).parent == at);
        at = place.children[0];
      }
    }
  }
}

TEST_CASE("each of two trees has each rank once, with at most two children and log p levels",
          "[tree]") {
  for (int p = 1; p <= 40; ++p) {
    for (int which = 0; which < 2; ++which) {
      const Rank root{p / 3};
      std::vector<int> child_count(static_cast<std::size_t>(p));
      for (int rank = 0; rank < p; ++rank) {
        const TreePlace place = double_tree_place(Rank{rank}, p, root, which);
        REQUIRE((place.parent.value < 0) == (rank == root.value));
        REQUIRE(place.children.size() <= (rank == root.value ? 1U : 2U));
        for (const Rank child : place.children) {
          ++child_count[child.index()];
          REQUIRE(double_tree_place(child, p, root, which).parent == Rank{rank});
        }
        int level = 0;
        for (Rank at{rank}; at != root; ++level) {
          at = double_tree_place(at, p, root, which).parent;
        }
        REQUIRE(1 << level <= 2 * p);
      }
      child_count[root.index()] += 1;
      REQUIRE(std::all_of(child_count.begin(), child_count.end(), [](int n) { return n == 1; }));
    }
  }
}

TEST_CASE("nobody but one has children in both trees", "[tree]") {
  for (int p = 3; p <= 40; ++p) {
    int busy_count = 0;
    for (int rank = 1; rank < p; ++rank) {
      const auto in_tree = [&](int which) {
        return !double_tree_place(Rank{rank}, p, Rank{0}, which).children.empty();
      };
      busy_count += in_tree(0) && in_tree(1) ? 1 : 0;
    }
    CHECK(busy_count <= 1);
  }
}

}  // namespace
}  // namespace hvd
