#include "tests/collectives/golden_schedules.h"

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
#include "collectives/schedule_text.h"
#include "tests/collectives/all_ranks.h"

namespace hvd {
namespace {

std::string printed(Generator generator, const std::vector<ScheduleParams>& cases) {
  std::string text;
  for (const ScheduleParams& params : cases) {
    text += schedules_text(schedules_of_all_ranks(generator, params)) + "\n";
  }
  text.pop_back();
  return text;
}

ScheduleParams sized(int rank_count, std::uint64_t element_count, std::uint64_t chunk) {
  ScheduleParams params;
  params.rank_count = rank_count;
  params.element_count = element_count;
  params.chunk_element_count = chunk;
  return params;
}
ScheduleParams scaled(ScheduleParams params) {
  params.prescale = true;
  params.postscale = true;
  return params;
}
ScheduleParams in_place(ScheduleParams params) {
  params.in_place = true;
  return params;
}
ScheduleParams rooted(ScheduleParams params, int root) {
  params.root = Rank{root};
  return params;
}
ScheduleParams gathering(std::vector<std::uint64_t> counts, std::uint64_t chunk) {
  ScheduleParams params = sized(static_cast<int>(counts.size()), 0, chunk);
  params.counts = std::move(counts);
  return params;
}

ScheduleParams sharing(ScheduleParams params, std::uint64_t slot_element_count) {
  params.slot_element_count = slot_element_count;
  return params;
}
// Everybody sends everybody as much.
ScheduleParams exchanging(int rank_count, std::uint64_t count, std::uint64_t chunk) {
  ScheduleParams params = sized(rank_count, 0, chunk);
  params.counts.assign(static_cast<std::size_t>(rank_count), count);
  params.send_counts = params.counts;
  return params;
}
ScheduleParams on_hosts(ScheduleParams params, std::vector<int> host_of_rank) {
  params.host_of_rank = std::move(host_of_rank);
  return params;
}
ScheduleParams to_other(ScheduleParams params) {
  params.peer = Rank{1};
  return params;
}

std::vector<GoldenFile> edge_schedules() {
  const std::vector<ScheduleParams> allreduces = {sized(1, 3, 2), sized(2, 5, 2),
                                                  in_place(sized(3, 8, 2)), scaled(sized(3, 2, 2)),
                                                  sized(4, 4, 1)};
  const std::vector<ScheduleParams> parts = {gathering({3}, 2), gathering({2, 3}, 2),
                                             gathering({3, 0, 1}, 1)};
  const std::vector<ScheduleParams> roots = {sized(1, 3, 2), sized(2, 3, 2),
                                             rooted(sized(5, 2, 2), 3),
                                             in_place(rooted(sized(8, 3, 2), 1))};
  return {
      {"ring_allreduce.txt", printed(make_ring_allreduce, allreduces)},
      {"recursive_doubling_allreduce.txt", printed(make_recursive_doubling_allreduce, allreduces)},
      {"halving_doubling_allreduce.txt", printed(make_halving_doubling_allreduce, allreduces)},
      {"circulant_allreduce.txt", printed(make_circulant_allreduce, allreduces)},
      {"circulant_allgather.txt",
       printed(make_circulant_allgather,
               {gathering({2, 3}, 2), in_place(gathering({3, 0, 1}, 1))})},
      {"circulant_reduce_scatter.txt",
       printed(make_circulant_reduce_scatter, {gathering({3, 0, 1}, 2)})},
      {"tree_allreduce.txt", printed(make_tree_allreduce, allreduces)},
      {"adasum_allreduce.txt", printed(make_adasum_allreduce, allreduces)},
      {"tree_broadcast.txt", printed(make_tree_broadcast, roots)},
      {"chain_broadcast.txt", printed(make_chain_broadcast, {rooted(sized(3, 3, 2), 1)})},
      {"double_tree_broadcast.txt",
       printed(make_double_tree_broadcast, {rooted(sized(5, 3, 2), 1)})},
      {"double_tree_reduce.txt",
       printed(make_double_tree_reduce, {scaled(rooted(sized(5, 3, 2), 1))})},
      {"tree_reduce.txt", printed(make_tree_reduce, roots)},
      {"chain_reduce.txt", printed(make_chain_reduce, {scaled(rooted(sized(3, 3, 2), 1))})},
      {"ring_allgather.txt", printed(make_ring_allgather, {gathering({3}, 2), gathering({2, 3}, 2),
                                                           in_place(gathering({3, 0, 1}, 1))})},
      {"ring_reduce_scatter.txt", printed(make_ring_reduce_scatter, parts)},
      {"pairwise_reduce_scatter.txt", printed(make_pairwise_reduce_scatter, parts)},
      {"pairwise_alltoall.txt", printed(make_pairwise_alltoall, {exchanging(3, 3, 2)})},
      {"bruck_alltoall.txt", printed(make_bruck_alltoall, {exchanging(3, 3, 4)})},
      {"linear_gather.txt", printed(make_linear_gather, {rooted(gathering({3, 0, 1}, 2), 1)})},
      {"linear_scatter.txt", printed(make_linear_scatter, {rooted(gathering({3, 0, 1}, 2), 1)})},
      {"send.txt", schedule_text(make_send(to_other(sized(2, 3, 2))))},
      {"recv.txt", schedule_text(make_recv(to_other(sized(2, 3, 2))))},
      {"dissemination_barrier.txt",
       printed(make_dissemination_barrier, {sized(1, 0, 1), sized(2, 0, 1), sized(5, 0, 1)})},
  };
}

std::vector<GoldenFile> slot_schedules() {
  const std::vector<ScheduleParams> allreduces = {sharing(sized(2, 6, 2), 4),
                                                  sharing(scaled(sized(3, 3, 3)), 3)};
  const ScheduleParams parts = sharing(gathering({3, 0, 1}, 2), 6);
  return {
      {"one_shot_allreduce.txt", printed(make_one_shot_allreduce, allreduces)},
      {"two_shot_allreduce.txt", printed(make_two_shot_allreduce, allreduces)},
      {"arena_allreduce.txt", printed(make_arena_allreduce, {sharing(sized(2, 6, 2), 4)})},
      {"two_shot_reduce.txt",
       printed(make_two_shot_reduce, {sharing(rooted(sized(3, 6, 3), 1), 6)})},
      {"single_copy_allgather.txt", printed(make_single_copy_allgather, {parts, in_place(parts)})},
      {"single_copy_alltoall.txt",
       printed(make_single_copy_alltoall, {sharing(exchanging(3, 3, 2), 6)})},
      {"single_copy_broadcast.txt",
       printed(make_single_copy_broadcast, {sharing(rooted(sized(3, 6, 2), 1), 4)})},
      {"slots_allgather.txt", printed(make_slots_allgather, {in_place(parts)})},
      {"slots_alltoall.txt", printed(make_slots_alltoall, {sharing(exchanging(3, 3, 2), 6)})},
      {"slots_barrier.txt", printed(make_slots_barrier, {sharing(sized(3, 0, 1), 1)})},
      {"slots_broadcast.txt",
       printed(make_slots_broadcast, {sharing(rooted(sized(3, 6, 2), 1), 4)})},
      {"slots_gather.txt", printed(make_slots_gather, {rooted(parts, 1)})},
      {"slots_reduce.txt", printed(make_slots_reduce, {sharing(rooted(sized(3, 6, 2), 1), 4)})},
      {"slots_reduce_scatter.txt", printed(make_slots_reduce_scatter, {parts})},
      {"slots_scatter.txt", printed(make_slots_scatter, {rooted(parts, 1)})},
  };
}

std::vector<GoldenFile> host_schedules() {
  const ScheduleParams pairs = on_hosts(sharing(sized(4, 8, 2), 8), {0, 0, 1, 1});
  const ScheduleParams unequal = on_hosts(sharing(sized(4, 3, 2), 8), {0, 1, 1, 2});
  return {
      {"hierarchical_allreduce.txt", printed(make_hierarchical_allreduce, {pairs, unequal})},
      {"hierarchical_allgather.txt",
       printed(make_hierarchical_allgather,
               {on_hosts(sharing(gathering({2, 3, 0, 1}, 2), 8), {0, 0, 1, 1}),
                in_place(on_hosts(sharing(gathering({1, 3, 2, 1}, 2), 8), {0, 1, 1, 2}))})},
      {"hierarchical_reduce_scatter.txt",
       printed(make_hierarchical_reduce_scatter,
               {on_hosts(sharing(gathering({2, 3, 0, 1}, 2), 8), {0, 0, 1, 1}),
                on_hosts(sharing(scaled(gathering({1, 3, 2, 1}, 2)), 8), {0, 1, 1, 2})})},
      {"hierarchical_reduce.txt",
       printed(make_hierarchical_reduce, {rooted(pairs, 1), scaled(unequal)})},
      {"hierarchical_broadcast.txt",
       printed(make_hierarchical_broadcast, {rooted(pairs, 1), unequal})},
      {"hierarchical_barrier.txt",
       printed(make_hierarchical_barrier, {on_hosts(sharing(sized(4, 0, 2), 8), {0, 1, 1, 2})})},
  };
}

}  // namespace

std::vector<GoldenFile> golden_schedules() {
  std::vector<GoldenFile> files = edge_schedules();
  for (GoldenFile& file : host_schedules()) {
    files.push_back(std::move(file));
  }
  for (GoldenFile& file : slot_schedules()) {
    files.push_back(std::move(file));
  }
  return files;
}

}  // namespace hvd
