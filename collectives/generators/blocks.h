// collectives/generators/blocks.h: cutting a vector into blocks for ranks and blocks into chunks.
// Not here: who moves which block (the generators).
// Threads: pure functions.  Limits: offsets and counts in elements, 64 bits.
// Read next: exchange.h.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "collectives/schedule_builder.h"

namespace hvd {

struct Block {
  std::uint64_t offset = 0;
  std::uint64_t count = 0;
};

// Block `index` of `block_count` that differ by at most one element; the first ones are the longer.
Block even_block(std::uint64_t element_count, int block_count, int index);
std::vector<Block> even_blocks(std::uint64_t element_count, int block_count);
// Block `index` of `block_count` equal ones that begin at multiples of kShareAlignment where the
// vector is long enough for that; the last ones may be shorter or empty.
inline constexpr std::uint64_t kShareAlignment = 64;  // a cache line, of the smallest type
Block aligned_share(std::uint64_t element_count, int block_count, int index);
std::vector<Block> blocks_of_counts(std::span<const std::uint64_t> counts);

constexpr std::uint64_t chunk_count_of(Block block, std::uint64_t chunk_element_count) {
  return block.count / chunk_element_count + (block.count % chunk_element_count != 0 ? 1 : 0);
}
// Chunk `index` of a block; empty past its end.
constexpr Block chunk_of(Block block, std::uint64_t chunk_element_count, std::uint64_t index) {
  if (index >= chunk_count_of(block, chunk_element_count)) {
    return Block{block.offset + block.count, 0};
  }
  const std::uint64_t begin = index * chunk_element_count;
  return Block{block.offset + begin, std::min(chunk_element_count, block.count - begin)};
}

// Flags of the op that sees an element first, and of the one that makes it final.
constexpr unsigned pre_flag(const ScheduleParams& params) {
  return params.prescale ? unsigned{kScalePre} : 0U;
}
constexpr unsigned post_flag(const ScheduleParams& params) {
  return params.postscale ? unsigned{kScalePost} : 0U;
}

// Copies the input to the output, chunk by chunk, with kScalePre and kScalePost as asked; nothing
// if the elements lie there already and no factor applies.
void copy_input_to_output(ScheduleBuilder& builder, const ScheduleParams& params, unsigned flags);

// Where others will get elements of the output over narrow wires, this rank keeps the same values.
void round_to_wire(ScheduleBuilder& builder, const ScheduleParams& params, Block output);

// Copies input elements to the output from `output_offset` on, chunk by chunk.
void copy_block(ScheduleBuilder& builder, const ScheduleParams& params, std::uint64_t output_offset,
                Block input, unsigned flags = 0);

}  // namespace hvd
