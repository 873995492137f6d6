#include "collectives/generators/blocks.h"

namespace hvd {

Block even_block(std::uint64_t element_count, int block_count, int index) {
  const auto blocks = static_cast<std::uint64_t>(block_count);
  const auto i = static_cast<std::uint64_t>(index);
  const std::uint64_t short_count = element_count / blocks;
  const std::uint64_t longer_blocks = element_count % blocks;
  return Block{i * short_count + std::min(i, longer_blocks),
               short_count + (i < longer_blocks ? 1 : 0)};
}

std::vector<Block> even_blocks(std::uint64_t element_count, int block_count) {
  std::vector<Block> blocks;
  blocks.reserve(static_cast<std::size_t>(block_count));
  for (int i = 0; i < block_count; ++i) {
    blocks.push_back(even_block(element_count, block_count, i));
  }
  return blocks;
}

Block aligned_share(std::uint64_t element_count, int block_count, int index) {
  const auto blocks = static_cast<std::uint64_t>(block_count);
  std::uint64_t share = element_count / blocks + (element_count % blocks != 0 ? 1 : 0);
  if (share > kShareAlignment) {
    share += (kShareAlignment - share % kShareAlignment) % kShareAlignment;
  }
  const std::uint64_t begin = std::min(element_count, share * static_cast<std::uint64_t>(index));
  return Block{begin, std::min(share, element_count - begin)};
}

std::vector<Block> blocks_of_counts(std::span<const std::uint64_t> counts) {
  std::vector<Block> blocks;
  blocks.reserve(counts.size());
  std::uint64_t offset = 0;
  for (const std::uint64_t count : counts) {
    blocks.push_back(Block{offset, count});
    offset += count;
  }
  return blocks;
}

void copy_input_to_output(ScheduleBuilder& builder, const ScheduleParams& params, unsigned flags) {
  if (params.in_place && flags == 0) {
    return;
  }
  const Block all{0, params.element_count};
  for (std::uint64_t k = 0; k < chunk_count_of(all, params.chunk_element_count); ++k) {
    const Block chunk = chunk_of(all, params.chunk_element_count, k);
    builder.copy(at_output(chunk.offset), at_input(chunk.offset), chunk.count, flags);
  }
}

void copy_block(ScheduleBuilder& builder, const ScheduleParams& params, std::uint64_t output_offset,
                Block input, unsigned flags) {
  for (std::uint64_t k = 0; k < chunk_count_of(input, params.chunk_element_count); ++k) {
    const Block chunk = chunk_of(input, params.chunk_element_count, k);
    builder.copy(at_output(output_offset + (chunk.offset - input.offset)), at_input(chunk.offset),
                 chunk.count, flags);
  }
}

void round_to_wire(ScheduleBuilder& builder, const ScheduleParams& params, Block output) {
  if (!params.narrow) {
    return;
  }
  for (std::uint64_t k = 0; k < chunk_count_of(output, params.chunk_element_count); ++k) {
    const Block chunk = chunk_of(output, params.chunk_element_count, k);
    builder.copy(at_output(chunk.offset), at_output(chunk.offset), chunk.count, kNarrow);
  }
}

}  // namespace hvd
