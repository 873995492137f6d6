#include "collectives/generators/circulant.h"

namespace hvd {

std::vector<CirculantRound> circulant_rounds(int rank_count) {
  std::vector<CirculantRound> rounds;
  for (int have = rank_count; have > 1;) {
    const int keep = (have + 1) / 2;
    rounds.push_back({keep, have - keep});
    have = keep;
  }
  return rounds;
}

CyclicBlocks cyclic_blocks(std::span<const Block> blocks, Rank from, int count) {
  const std::size_t begin = from.index();
  const std::size_t end = begin + static_cast<std::size_t>(count);
  const auto elements = [&](std::size_t first, std::size_t past) {
    const std::uint64_t offset = blocks[first].offset;
    return first == past ? Block{}
                         : Block{offset, blocks[past - 1].offset + blocks[past - 1].count - offset};
  };
  if (end <= blocks.size()) {
    return {elements(begin, end), Block{}};
  }
  return {elements(begin, blocks.size()), elements(0, end - blocks.size())};
}

}  // namespace hvd
