#include "collectives/algorithms.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "collectives/generators/adasum_allreduce.h"
#include "collectives/generators/arena_allreduce.h"
#include "collectives/generators/bruck_alltoall.h"
#include "collectives/generators/circulant_allgather.h"
#include "collectives/generators/circulant_allreduce.h"
#include "collectives/generators/circulant_reduce_scatter.h"
#include "collectives/generators/dissemination_barrier.h"
#include "collectives/generators/halving_doubling_allreduce.h"
#include "collectives/generators/hierarchical_allgather.h"
#include "collectives/generators/hierarchical_allreduce.h"
#include "collectives/generators/hierarchical_barrier.h"
#include "collectives/generators/hierarchical_broadcast.h"
#include "collectives/generators/hierarchical_reduce.h"
#include "collectives/generators/hierarchical_reduce_scatter.h"
#include "collectives/generators/linear_gather.h"
#include "collectives/generators/linear_scatter.h"
#include "collectives/generators/one_shot_allreduce.h"
#include "collectives/generators/pairwise_alltoall.h"
#include "collectives/generators/pairwise_reduce_scatter.h"
#include "collectives/generators/point_to_point.h"
#include "collectives/generators/recursive_doubling_allreduce.h"
#include "collectives/generators/ring_allgather.h"
#include "collectives/generators/ring_allreduce.h"
#include "collectives/generators/ring_reduce_scatter.h"
#include "collectives/generators/single_copy_allgather.h"
#include "collectives/generators/single_copy_alltoall.h"
#include "collectives/generators/single_copy_broadcast.h"
#include "collectives/generators/slots_allgather.h"
#include "collectives/generators/slots_alltoall.h"
#include "collectives/generators/slots_barrier.h"
#include "collectives/generators/slots_broadcast.h"
#include "collectives/generators/slots_gather.h"
#include "collectives/generators/slots_reduce.h"
#include "collectives/generators/slots_reduce_scatter.h"
#include "collectives/generators/slots_scatter.h"
#include "collectives/generators/tree_allreduce.h"
#include "collectives/generators/tree_broadcast.h"
#include "collectives/generators/tree_reduce.h"
#include "collectives/generators/two_shot_allreduce.h"
#include "collectives/generators/two_shot_reduce.h"

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
// Twice the vector and, for those who fold, twice more; a short chunk each round; and the two
// copies that a prescale and a narrow wire take.
double halving_bound(const ScheduleSize& size) {
  return 8 * chunks_of(size) + 4 * rounds_of(size.rank_count);
}
// Each round sends and receives a stretch of parts in two pieces, each with a chunk that may be
// short; a long part is in many of them.
double circulant_bound(const ScheduleSize& size) {
  const double longest = std::max(size.longest_part, std::ceil(size.elements / size.rank_count));
  const double moved =
      std::min(rounds_of(size.rank_count) * size.elements, size.rank_count * longest);
  return 4 * (moved / size.chunk_elements + 2 * rounds_of(size.rank_count)) + 3 * chunks_of(size) +
         6;
}
// Each level sends, receives and weighs its half, and adds up the products of all that share it.
double adasum_bound(const ScheduleSize& size) {
  const double rounds = rounds_of(size.rank_count) + 1;
  return 9 * chunks_of(size) + rounds * (rounds + 12);
}
// Pieces of one stretch have two chunks for each host, or one where there are but two hosts.
double hierarchical_bound(const ScheduleSize& size) {
  const double most = std::max(1.0, std::floor(size.slot_elements / 2));
  const double stretches = size.elements / std::min(size.chunk_elements, most) + 1;
  return (12 + 2 * size.rank_count) * stretches + halving_bound(size) * 2 + ring_bound(size);
}
// For each partner two ops for each chunk of the longest part that is sent, one for each that
// comes; and the own part.
double pairs_bound(const ScheduleSize& size) {
  return (3 * size.rank_count + 2) * (size.longest_part / size.chunk_elements + 1);
}
// Each round sends and receives up to half of all parts, put together of ever more stretches; then
// each part is put in its place.
double bruck_bound(const ScheduleSize& size) {
  const double rounds = rounds_of(size.rank_count);
  const double moved = rounds * size.rank_count / 2 * size.longest_part / size.chunk_elements;
  const double parts = size.rank_count * (size.longest_part / size.chunk_elements + 1);
  return 3 * (moved + rounds) + 2 * size.rank_count + parts;
}
double chain_bound(const ScheduleSize& size) { return 4 * chunks_of(size); }
// Each half may end with a chunk that is short.
double double_tree_bound(const ScheduleSize& size) { return 4 * (chunks_of(size) + 1); }
// Two ops for each other rank, and the own elements chunk by chunk.
double single_copy_bound(const ScheduleSize& size) {
  return 2 * size.rank_count + 4 + chunks_of(size);
}
double rounds_bound_slots(const ScheduleSize&) { return 2; }
double rounds_bound_hosts(const ScheduleSize& size) { return 2 * rounds_of(size.rank_count) + 2; }
double rounds_bound(const ScheduleSize& size) { return 2 * rounds_of(size.rank_count); }
// One stripe for each rank: the chunks are of the longest part.
double striped_bound(const ScheduleSize& size) {
  const double most = std::max(1.0, std::floor(size.slot_elements / size.rank_count / 2));
  const double chunks = size.longest_part / std::min(size.chunk_elements, most) + 1;
  return (4 * size.rank_count + 5) * chunks;
}
double parts_bound(const ScheduleSize& size) {
  const double most = std::max(1.0, std::floor(size.slot_elements / 2));
  const double chunks = size.longest_part / std::min(size.chunk_elements, most) + 1;
  return (3 * size.rank_count + 5) * chunks;
}
// Each chunk of a part is sent, taken, put into slots and fetched there at most once.
double parts_of_hosts_bound(const ScheduleSize& size, double stripe_count) {
  const double most = std::max(1.0, std::floor(size.slot_elements / stripe_count / 2));
  const double chunks = size.longest_part / std::min(size.chunk_elements, most) + 1;
  return 10 * size.rank_count * chunks + size.rank_count;
}
double hosts_allgather_bound(const ScheduleSize& size) { return parts_of_hosts_bound(size, 2); }
double hosts_reduce_scatter_bound(const ScheduleSize& size) {
  return parts_of_hosts_bound(size, size.rank_count);
}
double spread_bound(const ScheduleSize& size) {
  return (rounds_of(size.rank_count) + 5) * slot_chunks_of(size) + chunks_of(size);
}
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
    AlgorithmRow{Kind::allreduce, Algorithm::halving_doubling, "halving_doubling",
                 make_halving_doubling_allreduce, halving_bound, 0,
                 "ever smaller parts are combined with ever nearer ranks, then collected"},
    AlgorithmRow{Kind::allreduce, Algorithm::circulant, "circulant", make_circulant_allreduce,
                 circulant_bound, 0,
                 "as halving and doubling, but around the ring: for any number of ranks"},
    AlgorithmRow{Kind::allreduce, Algorithm::one_shot, "one_shot", make_one_shot_allreduce,
                 one_shot_bound, kNeedsSlots | kNeedsOneHost,
                 "every rank combines what all put into their slots"},
    AlgorithmRow{Kind::allreduce, Algorithm::two_shot, "two_shot", make_two_shot_allreduce,
                 two_shot_bound, kNeedsSlots | kNeedsOneHost,
                 "every rank combines its share of what lies in the slots, then all collect"},
    AlgorithmRow{Kind::allreduce, Algorithm::arena, "arena", make_arena_allreduce, two_shot_bound,
                 kNeedsSlots | kNeedsOneHost | kNeedsArena,
                 "every rank combines its share of all inputs and writes it to all outputs"},
    AlgorithmRow{Kind::allreduce, Algorithm::hierarchical, "hierarchical",
                 make_hierarchical_allreduce, hierarchical_bound, kNeedsSlots | kNeedsSeveralHosts,
                 "combined in each host, exchanged between hosts, collected in each host"},
    AlgorithmRow{Kind::allreduce, Algorithm::adasum, "adasum", make_adasum_allreduce, adasum_bound,
                 kNeedsAdasum,
                 "ever smaller parts are weighed with those of ever farther ranks, then collected"},
    AlgorithmRow{Kind::allgather, Algorithm::slots, "slots", make_slots_allgather, parts_bound,
                 kNeedsSlots | kNeedsOneHost,
                 "each rank puts its part into its slots and fetches the others'"},
    AlgorithmRow{Kind::allgather, Algorithm::single_copy, "single_copy", make_single_copy_allgather,
                 single_copy_bound, kNeedsSlots | kNeedsOneHost | kNeedsReads,
                 "each rank reads the others' parts where they lie"},
    AlgorithmRow{Kind::allgather, Algorithm::ring, "ring", make_ring_allgather, ring_bound, 0,
                 "parts go around the ring"},
    AlgorithmRow{Kind::allgather, Algorithm::circulant, "circulant", make_circulant_allgather,
                 circulant_bound, 0, "ever more parts are fetched from ever farther ranks"},
    AlgorithmRow{Kind::allgather, Algorithm::hierarchical, "hierarchical",
                 make_hierarchical_allgather, hosts_allgather_bound,
                 kNeedsSlots | kNeedsStripes | kNeedsSeveralHosts,
                 "parts go from host to host around a ring, in each host through slots"},
    AlgorithmRow{Kind::broadcast, Algorithm::slots, "slots", make_slots_broadcast, one_shot_bound,
                 kNeedsSlots | kNeedsOneHost,
                 "the root puts chunks into its slots, the others fetch them"},
    AlgorithmRow{Kind::broadcast, Algorithm::single_copy, "single_copy", make_single_copy_broadcast,
                 single_copy_bound, kNeedsSlots | kNeedsOneHost | kNeedsReads,
                 "each rank reads what the root has where it lies"},
    AlgorithmRow{Kind::broadcast, Algorithm::hierarchical, "hierarchical",
                 make_hierarchical_broadcast, spread_bound, kNeedsSlots | kNeedsSeveralHosts,
                 "between hosts down a tree or a chain, in each host through slots"},
    AlgorithmRow{Kind::broadcast, Algorithm::tree, "tree", make_tree_broadcast, whole_vector_bound,
                 0, "down a binomial tree"},
    AlgorithmRow{Kind::broadcast, Algorithm::chain, "chain", make_chain_broadcast, chain_bound, 0,
                 "from rank to rank"},
    AlgorithmRow{Kind::broadcast, Algorithm::double_tree, "double_tree", make_double_tree_broadcast,
                 double_tree_bound, 0, "a half of the vector down each of two trees"},
    AlgorithmRow{Kind::reduce, Algorithm::slots, "slots", make_slots_reduce, one_shot_bound,
                 kNeedsSlots | kNeedsOneHost,
                 "all put their vectors into slots, the root combines them"},
    AlgorithmRow{Kind::reduce, Algorithm::two_shot, "two_shot", make_two_shot_reduce,
                 two_shot_bound, kNeedsSlots | kNeedsOneHost,
                 "every rank combines its share of what lies in the slots, the root collects"},
    AlgorithmRow{Kind::reduce, Algorithm::hierarchical, "hierarchical", make_hierarchical_reduce,
                 spread_bound, kNeedsSlots | kNeedsSeveralHosts,
                 "combined in each host through slots, between hosts up a tree or along a chain"},
    AlgorithmRow{Kind::reduce, Algorithm::tree, "tree", make_tree_reduce, whole_vector_bound, 0,
                 "up a binomial tree"},
    AlgorithmRow{Kind::reduce, Algorithm::chain, "chain", make_chain_reduce, chain_bound, 0,
                 "from rank to rank"},
    AlgorithmRow{Kind::reduce, Algorithm::double_tree, "double_tree", make_double_tree_reduce,
                 double_tree_bound, 0, "a half of the vector up each of two trees"},
    AlgorithmRow{Kind::reduce_scatter, Algorithm::slots, "slots", make_slots_reduce_scatter,
                 striped_bound, kNeedsSlots | kNeedsOneHost | kNeedsStripes,
                 "each rank puts the others' parts into its slots and combines its own"},
    AlgorithmRow{Kind::reduce_scatter, Algorithm::hierarchical, "hierarchical",
                 make_hierarchical_reduce_scatter, hosts_reduce_scatter_bound,
                 kNeedsSlots | kNeedsStripes | kNeedsSeveralHosts,
                 "each host combines what it has for a part and sends it to the part's rank"},
    AlgorithmRow{Kind::reduce_scatter, Algorithm::pairwise, "pairwise",
                 make_pairwise_reduce_scatter, pairs_bound, 0,
                 "each rank gets its part of all others"},
    AlgorithmRow{Kind::reduce_scatter, Algorithm::ring, "ring", make_ring_reduce_scatter,
                 ring_bound, 0, "parts go around the ring and are combined on the way"},
    AlgorithmRow{Kind::reduce_scatter, Algorithm::circulant, "circulant",
                 make_circulant_reduce_scatter, circulant_bound, 0,
                 "ever fewer parts are combined with ever nearer ranks"},
    AlgorithmRow{Kind::alltoall, Algorithm::slots, "slots", make_slots_alltoall, striped_bound,
                 kNeedsSlots | kNeedsOneHost | kNeedsStripes,
                 "each rank puts the others' parts into its slots; they fetch them"},
    AlgorithmRow{Kind::alltoall, Algorithm::single_copy, "single_copy", make_single_copy_alltoall,
                 single_copy_bound, kNeedsSlots | kNeedsOneHost | kNeedsReads,
                 "each rank reads what the others have for it where it lies"},
    AlgorithmRow{Kind::alltoall, Algorithm::pairwise, "pairwise", make_pairwise_alltoall,
                 pairs_bound, 0, "each part goes straight to its rank"},
    AlgorithmRow{Kind::alltoall, Algorithm::bruck, "bruck", make_bruck_alltoall, bruck_bound,
                 kNeedsEqualCounts, "parts travel together to ever nearer ranks"},
    AlgorithmRow{Kind::gather, Algorithm::slots, "slots", make_slots_gather, parts_bound,
                 kNeedsSlots | kNeedsOneHost,
                 "each rank puts its part into its slots; the root fetches them"},
    AlgorithmRow{Kind::gather, Algorithm::linear, "linear", make_linear_gather, pairs_bound, 0,
                 "each part goes straight to the root"},
    AlgorithmRow{Kind::scatter, Algorithm::slots, "slots", make_slots_scatter, striped_bound,
                 kNeedsSlots | kNeedsOneHost | kNeedsStripes,
                 "the root puts the parts into its slots; the others fetch theirs"},
    AlgorithmRow{Kind::scatter, Algorithm::linear, "linear", make_linear_scatter, pairs_bound, 0,
                 "each part comes straight from the root"},
    AlgorithmRow{Kind::send, Algorithm::direct, "direct", make_send, chain_bound, 0,
                 "chunk by chunk to the peer"},
    AlgorithmRow{Kind::recv, Algorithm::direct, "direct", make_recv, chain_bound, 0,
                 "chunk by chunk from the peer"},
    AlgorithmRow{Kind::barrier, Algorithm::slots, "slots", make_slots_barrier, rounds_bound_slots,
                 kNeedsSlots | kNeedsOneHost, "everybody says that it is there and waits for all"},
    AlgorithmRow{Kind::barrier, Algorithm::hierarchical, "hierarchical", make_hierarchical_barrier,
                 rounds_bound_hosts, kNeedsSlots | kNeedsSeveralHosts,
                 "each host gathers, one rank of each asks the others"},
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

CombiningOrder combining_order(const AlgorithmRow& row, bool narrow) {
  if (row.kind != Kind::allreduce && row.kind != Kind::reduce) {
    return CombiningOrder::any;
  }
  switch (row.algorithm) {
    case Algorithm::one_shot:
    case Algorithm::two_shot:
    case Algorithm::slots:
    case Algorithm::arena:
      return CombiningOrder::ranks;
    case Algorithm::recursive_doubling:
      return CombiningOrder::halves;
    case Algorithm::halving_doubling:
      // One of two operands is rounded to the wire, and which one the place decides.
      return narrow ? CombiningOrder::any : CombiningOrder::halves;
    case Algorithm::hierarchical:  // a reduce goes along a tree or a chain of hosts, as its size is
      return row.kind == Kind::allreduce ? CombiningOrder::hosts : CombiningOrder::any;
    case Algorithm::tree:
      return CombiningOrder::tree;
    case Algorithm::chain:
      return CombiningOrder::chain;
    default:  // also what is new: nothing is claimed by itself
      return CombiningOrder::any;
  }
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
  if ((row.needs & kNeedsStripes) != 0 &&
      params.slot_element_count < static_cast<std::uint64_t>(params.rank_count)) {
    return "the shared memory has no element for each rank";
  }
  if ((row.needs & kNeedsOneHost) != 0 && !on_one_host(params)) {
    return "the ranks are on several hosts";
  }
  if ((row.needs & kNeedsSeveralHosts) != 0 && on_one_host(params)) {
    return "all ranks are on one host";
  }
  if ((row.needs & kNeedsArena) != 0 && !params.in_arena) {
    return "the tensors are private";
  }
  if ((row.needs & kNeedsReads) != 0 && !params.reads_peers) {
    return "the ranks may not read one another's memory";
  }
  if ((row.needs & kNeedsEqualCounts) != 0 &&
      !(are_equal(params.counts) && are_equal(params.send_counts))) {
    return "the parts differ in size";
  }
  return "";
}

}  // namespace hvd
