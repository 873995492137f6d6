#include "collectives/generators/slot_window.h"

namespace hvd {
namespace {

// Three let a rank be one chunk ahead of the slowest reader, as the floor peer of the bench does;
// the fourth absorbs what preemption shifts.
constexpr std::uint64_t kPlaceCountMax = 4;

std::uint64_t fitting_chunk(const ScheduleParams& params, std::uint64_t element_count,
                            std::uint64_t stripe_count) {
  const std::uint64_t stripe_most =
      std::max<std::uint64_t>(1, params.slot_element_count / stripe_count);
  const std::uint64_t chunk = std::min(params.chunk_element_count, stripe_most);
  const bool one_suffices = element_count <= chunk;
  return one_suffices || stripe_most < 2 ? chunk : std::min(chunk, stripe_most / 2);
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

SlotWindow::SlotWindow(const ScheduleParams& params, std::uint64_t element_count, int stripe_count)
    : element_count_(element_count),
      stripe_count_(static_cast<std::uint64_t>(stripe_count)),
      chunk_element_count_(fitting_chunk(params, element_count, stripe_count_)) {
  const std::uint64_t fit = params.slot_element_count / (stripe_count_ * chunk_element_count_);
  place_count_ = std::max<std::uint64_t>(1, std::min({fit, kPlaceCountMax, chunk_count()}));
}

}  // namespace hvd
