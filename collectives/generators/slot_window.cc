#include "collectives/generators/slot_window.h"

namespace hvd {
namespace {

// Three let a rank be one chunk ahead of the slowest reader, as the floor peer of the bench does;
// the fourth absorbs what preemption shifts.
constexpr std::uint64_t kPlaceCountMax = 4;

std::uint64_t fitting_chunk(std::uint64_t element_count, const ScheduleParams& params) {
  const std::uint64_t chunk = std::min(params.chunk_element_count, params.slot_element_count);
  const bool one_suffices = element_count <= chunk;
  if (one_suffices || params.slot_element_count < 2) {
    return chunk;
  }
  return std::min(chunk, params.slot_element_count / 2);
}

}  // namespace

std::vector<Rank> slot_ranks_of(const ScheduleParams& params) {
  std::vector<Rank> ranks;
  for (int rank = 0; rank < params.rank_count; ++rank) {
    const Rank other{rank};
    if (params.host_of_rank.empty() ||
        params.host_of_rank[other.index()] == params.host_of_rank[params.rank.index()]) {
      ranks.push_back(other);
    }
  }
  return ranks;
}

SlotWindow::SlotWindow(std::uint64_t element_count, const ScheduleParams& params)
    : all_{0, element_count},
      chunk_element_count_(fitting_chunk(element_count, params)),
      chunk_count_(chunk_count_of(all_, chunk_element_count_)) {
  const std::uint64_t fit = params.slot_element_count / chunk_element_count_;
  place_count_ = std::max<std::uint64_t>(1, std::min({fit, kPlaceCountMax, chunk_count_}));
}

}  // namespace hvd
