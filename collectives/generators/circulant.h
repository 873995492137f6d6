// collectives/generators/circulant.h: ceil(log2 p) rounds for any p, with ever nearer ranks.
// Not here: what is done with the blocks (circulant_allreduce.cc and others).
// Threads: pure functions.  Limits: block i belongs to rank i, and blocks follow one another.
// Read next: circulant_allgather.cc, then Träff, "Optimal, non-pipelined reduce-scatter and
// allreduce algorithms" (2024), whose rounds these are.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "collectives/generators/exchange.h"

namespace hvd {

// While blocks are combined, rank r has `hop + count` of them at first, its own and those that
// follow it around the end. It gives the last `count` to rank r + hop, of which they are the first,
// and gets as many of rank r - hop. While they are collected it is the other way round.
struct CirculantRound {
  int hop = 0;
  int count = 0;
};

// In the order of combining; ceil(log2 p) of them, which leave each rank its own block.
std::vector<CirculantRound> circulant_rounds(int rank_count);

constexpr Rank rank_after(Rank rank, int distance, int rank_count) {
  return Rank{(rank.value + distance + rank_count) % rank_count};
}

// The elements of `count` blocks from one on, around the end: what lies behind the wrap is second.
struct CyclicBlocks {
  Block first;
  Block second;
  std::uint64_t chunk_count(std::uint64_t chunk) const {
    return chunk_count_of(first, chunk) + chunk_count_of(second, chunk);
  }
  Block chunk(std::uint64_t chunk, std::uint64_t k) const {
    const std::uint64_t before = chunk_count_of(first, chunk);
    return k < before ? chunk_of(first, chunk, k) : chunk_of(second, chunk, k - before);
  }
};
CyclicBlocks cyclic_blocks(std::span<const Block> blocks, Rank from, int count);

// Sends to one rank and receives from another, chunk by chunk. All ranks do this at the same time;
// see exchange_in_turn, where turns without a chunk emit nothing.
template <typename EmitSend, typename EmitRecv>
void exchange_cyclic(const ScheduleParams& params, const CyclicBlocks& sent,
                     const CyclicBlocks& received, EmitSend emit_send, EmitRecv emit_recv) {
  const std::uint64_t chunk = params.chunk_element_count;
  exchange_in_turn(
      std::max(sent.chunk_count(chunk), received.chunk_count(chunk)),
      static_cast<std::uint64_t>(params.send_ahead),
      [&](std::uint64_t turn) {
        if (const Block part = sent.chunk(chunk, turn); part.count > 0) {
          emit_send(part);
        }
      },
      [&](std::uint64_t turn) {
        if (const Block part = received.chunk(chunk, turn); part.count > 0) {
          emit_recv(part);
        }
      });
}

}  // namespace hvd
