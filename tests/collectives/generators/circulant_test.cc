#include "collectives/generators/circulant.h"

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("the rounds of a circulant give away all blocks but one in log2 p steps", "[circulant]") {
  for (int p = 1; p <= 300; ++p) {
    int have = p;
    int round_count = 0;
    for (const CirculantRound& round : circulant_rounds(p)) {
      CHECK(round.hop + round.count == have);
      CHECK((round.count > 0 && round.count <= round.hop));
      have = round.hop;
      ++round_count;
    }
    CHECK(have == 1);
    CHECK((1 << round_count) >= p);
    CHECK((round_count == 0 || 1 << (round_count - 1) < p));
  }
}

TEST_CASE("blocks around the end are two pieces, whose chunks do not cross it", "[circulant]") {
  const std::vector<Block> blocks = even_blocks(10, 4);  // of 3, 3, 2, 2
  const CyclicBlocks whole = cyclic_blocks(blocks, Rank{1}, 2);
  CHECK(whole.first.offset == 3);
  CHECK(whole.first.count == 5);
  CHECK(whole.second.count == 0);
  const CyclicBlocks cut = cyclic_blocks(blocks, Rank{3}, 3);
  CHECK(cut.first.offset == 8);
  CHECK(cut.first.count == 2);
  CHECK(cut.second.offset == 0);
  CHECK(cut.second.count == 6);
  CHECK(cut.chunk_count(4) == 3);
  CHECK(cut.chunk(4, 0).count == 2);
  CHECK(cut.chunk(4, 1).count == 4);
  CHECK(cut.chunk(4, 2).offset == 4);
  CHECK(cut.chunk(4, 3).count == 0);
}

}  // namespace
}  // namespace hvd
