#include "collectives/generators/fold.h"

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("players are a power of two, in the order of ranks, and each speaks for those below",
          "[fold]") {
  for (int p = 1; p <= 40; ++p) {
    const Fold fold(p);
    REQUIRE(std::has_single_bit(static_cast<unsigned>(fold.player_count)));
    REQUIRE(2 * fold.player_count > p);
    int next = 0;
    for (int rank = 0; rank < p; ++rank) {
      if (fold.plays(rank)) {
        REQUIRE(fold.player_of(rank) == next);
        REQUIRE(fold.rank_of(next) == Rank{rank});
        ++next;
      } else {
        REQUIRE(fold.plays(rank + 1));
        REQUIRE(fold.player_of(rank) == fold.player_of(rank + 1));
      }
    }
    REQUIRE(next == fold.player_count);
  }
}

}  // namespace
}  // namespace hvd
