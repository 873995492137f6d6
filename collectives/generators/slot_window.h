// collectives/generators/slot_window.h: how a long vector passes through small shared slots.
// Not here: what is put into them (one_shot_allreduce.cc and others).
// Threads: pure functions.  Limits: a handful of places.
// Read next: one_shot_allreduce.cc.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "collectives/generators/blocks.h"
#include "collectives/schedule_params.h"

namespace hvd {

// The ranks that share slots with this one, itself included, in their order.
std::vector<Rank> slot_ranks_of(const ScheduleParams& params);

// The same places in the slots of every rank: chunk k lies in place k modulo their number. So a
// place is used again while chunks that were put elsewhere are still being read. A place has one or
// more stripes, each for one chunk: for each rank its own, where ranks get different elements.
class SlotWindow {
 public:
  // For vectors of at most `element_count` elements a stripe; all ranks must say the same. The
  // chunk is params.chunk_element_count, or less where fewer than two places fit into the slots and
  // there is more than one chunk.
  SlotWindow(const ScheduleParams& params, std::uint64_t element_count, int stripe_count = 1);

  std::uint64_t chunk_element_count() const { return chunk_element_count_; }
  std::uint64_t chunk_count() const { return chunk_count_of(element_count_); }
  std::uint64_t chunk_count_of(std::uint64_t element_count) const {
    return hvd::chunk_count_of({0, element_count}, chunk_element_count_);
  }
  // Chunk k of a block; of the longest one.
  Block chunk(Block block, std::uint64_t k) const {
    return chunk_of(block, chunk_element_count_, k);
  }
  Block chunk(std::uint64_t k) const { return chunk({0, element_count_}, k); }
  std::uint64_t offset(std::uint64_t k, int stripe = 0) const {
    // NOLINTNEXTLINE(clang-analyzer-core.DivideZero): there is one place at least
    return (k % place_count_ * stripe_count_ + static_cast<std::uint64_t>(stripe)) *
           chunk_element_count_;
  }
  // Of all places together.
  std::uint64_t slot_element_count() const {
    return place_count_ * stripe_count_ * chunk_element_count_;
  }

  // Chunks that are put before the first is used up; 0 where only one fits.
  std::uint64_t ahead() const { return place_count_ > 1 ? 1 : 0; }
  // What the flag "I have read chunk i" of others must say before chunk k is put: the value is
  // i + 1. 0: nothing to wait for.
  std::uint32_t taken_before(std::uint64_t k) const {
    return k < place_count_ ? 0 : static_cast<std::uint32_t>(k - place_count_ + 1);
  }
  // Whether somebody waits for chunk k to have been read, where there are `chunk_count` of them.
  bool is_reused(std::uint64_t k, std::uint64_t chunk_count) const {
    return k + place_count_ < chunk_count;
  }
  bool is_reused(std::uint64_t k) const { return is_reused(k, chunk_count()); }

 private:
  std::uint64_t element_count_;
  std::uint64_t stripe_count_;
  std::uint64_t chunk_element_count_;
  std::uint64_t place_count_;
};

// A flag's value once chunk k is where it is to be.
constexpr std::uint32_t done_with(std::uint64_t k) { return static_cast<std::uint32_t>(k + 1); }

// Chunks come into the slots `ahead` chunks before they are used.
template <typename EmitPut, typename EmitUse>
void pass_through(const SlotWindow& window, std::uint64_t chunk_count, EmitPut emit_put,
                  EmitUse emit_use) {
  const std::uint64_t ahead = window.ahead();
  for (std::uint64_t turn = 0; turn < chunk_count + ahead; ++turn) {
    if (turn < chunk_count) {
      emit_put(turn);
    }
    if (turn >= ahead) {
      emit_use(turn - ahead);
    }
  }
}

constexpr unsigned stream_flag(const ScheduleParams& params) {
  return params.stream ? unsigned{kStream} : 0U;
}

}  // namespace hvd
