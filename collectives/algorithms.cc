#include "collectives/algorithms.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "collectives/generators/dissemination_barrier.h"
#include "collectives/generators/one_shot_allreduce.h"
#include "collectives/generators/recursive_doubling_allreduce.h"
#include "collectives/generators/ring_allgather.h"
#include "collectives/generators/ring_allreduce.h"
#include "collectives/generators/tree_allreduce.h"
#include "collectives/generators/tree_broadcast.h"
#include "collectives/generators/two_shot_allreduce.h"

namespace hvd {
namespace {

double rounds_of(double rank_count) { return std::ceil(std::log2(rank_count)); }
double chunks_of(const ScheduleSize& size) { return size.elements / size.chunk_elements + 1; }
// Where two chunks or more have to fit into the slots.
double slot_chunks_of(const ScheduleSize& size) {
  const double most = std::max(1.0, std::floor(size.slot_elements / 2));
  return size.elements / std::min(size.chunk_elements, most) + 1;
}

// Over one turn around the ring each block ends with a chunk that may be short.
double ring_bound(const ScheduleSize& size) {
  return 4 * (size.elements / size.chunk_elements + size.rank_count) + chunks_of(size);
}
double whole_vector_bound(const ScheduleSize& size) {
  return (2 * rounds_of(size.rank_count) + 5) * chunks_of(size);
}
double rounds_bound(const ScheduleSize& size) { return 2 * rounds_of(size.rank_count); }
double one_shot_bound(const ScheduleSize& size) { return 6 * slot_chunks_of(size); }
double two_shot_bound(const ScheduleSize& size) {
  return (9 + size.rank_count) * slot_chunks_of(size);
}

using Kind = CollectiveKind;

// The first row of a kind whose needs are met is taken where no rule says otherwise.
constexpr std::array kRows = {
    AlgorithmRow{Kind::allreduce, Algorithm::ring, "ring", make_ring_allreduce, ring_bound, 0,
                 "blocks go around the ring twice: to be combined, then to all"},
    AlgorithmRow{Kind::allreduce, Algorithm::recursive_doubling, "recursive_doubling",
                 make_recursive_doubling_allreduce, whole_vector_bound, 0,
                 "whole vectors are exchanged with ever farther ranks"},
    AlgorithmRow{Kind::allreduce, Algorithm::tree, "tree", make_tree_allreduce, whole_vector_bound,
                 0, "up a binomial tree to rank 0, and down again"},
    AlgorithmRow{Kind::allreduce, Algorithm::one_shot, "one_shot", make_one_shot_allreduce,
                 one_shot_bound, kNeedsSlots | kNeedsOneHost,
                 "every rank combines what all put into their slots"},
    AlgorithmRow{Kind::allreduce, Algorithm::two_shot, "two_shot", make_two_shot_allreduce,
                 two_shot_bound, kNeedsSlots | kNeedsOneHost,
                 "every rank combines its share of what lies in the slots, then all collect"},
    AlgorithmRow{Kind::allgather, Algorithm::ring, "ring", make_ring_allgather, ring_bound, 0,
                 "parts go around the ring"},
    AlgorithmRow{Kind::broadcast, Algorithm::tree, "tree", make_tree_broadcast, whole_vector_bound,
                 0, "down a binomial tree"},
    AlgorithmRow{Kind::barrier, Algorithm::dissemination, "dissemination",
                 make_dissemination_barrier, rounds_bound, 0, "signals to ever farther ranks"},
};

template <typename Predicate>
const AlgorithmRow* find_row(Predicate predicate) {
  const auto row = std::find_if(kRows.begin(), kRows.end(), predicate);
  return row == kRows.end() ? nullptr : &*row;
}

bool on_one_host(const ScheduleParams& params) {
  return std::all_of(params.host_of_rank.begin(), params.host_of_rank.end(),
                     [&](int host) { return host == params.host_of_rank.front(); });
}

bool are_equal(const std::vector<std::uint64_t>& counts) {
  return std::all_of(counts.begin(), counts.end(),
                     [&](std::uint64_t count) { return count == counts.front(); });
}

}  // namespace

std::span<const AlgorithmRow> algorithm_rows() { return kRows; }

const AlgorithmRow* find_algorithm(CollectiveKind kind, Algorithm algorithm) {
  return find_row(
      [&](const AlgorithmRow& row) { return row.kind == kind && row.algorithm == algorithm; });
}

const AlgorithmRow* find_algorithm(CollectiveKind kind, std::string_view name) {
  return find_row([&](const AlgorithmRow& row) { return row.kind == kind && row.name == name; });
}

std::string_view algorithm_name(Algorithm algorithm) {
  const AlgorithmRow* row =
      find_row([&](const AlgorithmRow& any) { return any.algorithm == algorithm; });
  return row != nullptr ? row->name : "unknown";
}

std::string_view unmet_need(const AlgorithmRow& row, const ScheduleParams& params) {
  if ((row.needs & kNeedsSlots) != 0 && params.slot_element_count == 0) {
    return "the ranks share no memory";
  }
  if ((row.needs & kNeedsOneHost) != 0 && !on_one_host(params)) {
    return "the ranks are on several hosts";
  }
  if ((row.needs & kNeedsSeveralHosts) != 0 && on_one_host(params)) {
    return "all ranks are on one host";
  }
  if ((row.needs & kNeedsEqualCounts) != 0 && !are_equal(params.counts)) {
    return "the parts differ in size";
  }
  return "";
}

}  // namespace hvd
