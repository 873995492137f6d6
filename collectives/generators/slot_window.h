// collectives/generators/slot_window.h: how a long vector passes through small shared slots.
// Not here: what is put into them (one_shot_allreduce.cc and others).
// Threads: pure functions.  Limits: kPlaceCountMax places.
// Read next: one_shot_allreduce.cc.
#pragma once

#include <cstdint>
#include <vector>

#include "collectives/generators/blocks.h"
#include "collectives/schedule_params.h"

namespace hvd {

// The ranks that share slots with this one, itself included, in their order.
std::vector<Rank> slot_ranks_of(const ScheduleParams& params);

// The same places in the slots of every rank: chunk k of the vector lies in place k modulo their
// number. So a place is used again while chunks that were put elsewhere are still being read.
class SlotWindow {
 public:
  // For `element_count` elements. The chunk is params.chunk_element_count, or less where fewer than
  // two of them fit into the slots and there is more than one.
  SlotWindow(std::uint64_t element_count, const ScheduleParams& params);

  std::uint64_t chunk_count() const { return chunk_count_; }
  Block chunk(std::uint64_t k) const { return chunk_of(all_, chunk_element_count_, k); }
  std::uint64_t chunk_element_count() const { return chunk_element_count_; }
  std::uint64_t offset(std::uint64_t k) const { return k % place_count_ * chunk_element_count_; }
  std::uint64_t element_count() const { return place_count_ * chunk_element_count_; }

  // Chunks that are put before the first is used up; 0 where only one fits.
  std::uint64_t ahead() const { return place_count_ > 1 ? 1 : 0; }
  // What the flag "I have read chunk i" of others must say before chunk k is put: the value is
  // i + 1. 0: nothing to wait for.
  std::uint32_t taken_before(std::uint64_t k) const {
    return k < place_count_ ? 0 : static_cast<std::uint32_t>(k - place_count_ + 1);
  }
  // Whether somebody waits for chunk k to have been read.
  bool is_reused(std::uint64_t k) const { return k + place_count_ < chunk_count_; }

 private:
  Block all_;
  std::uint64_t chunk_element_count_;
  std::uint64_t place_count_;
  std::uint64_t chunk_count_;
};

// Chunks come into the slots `ahead` chunks before they are used.
template <typename EmitPut, typename EmitUse>
void pass_through(const SlotWindow& window, EmitPut emit_put, EmitUse emit_use) {
  const std::uint64_t ahead = window.ahead();
  for (std::uint64_t turn = 0; turn < window.chunk_count() + ahead; ++turn) {
    if (turn < window.chunk_count()) {
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
