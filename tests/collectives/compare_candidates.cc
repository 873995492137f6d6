// Prints what the cost model says of the algorithms that came late, beside those that were there:
// docs/decisions/0010-candidates.md has its tables. Of what did not come, the schedules are made
// here.
#include <cstdio>
#include <string_view>
#include <vector>

#include "collectives/generators/exchange.h"
#include "collectives/generators/tree_broadcast.h"
#include "collectives/generators/tree_reduce.h"
#include "collectives/predict_algorithm.h"
#include "collectives/selector.h"

namespace hvd {
namespace {

struct Network {
  std::string_view name;
  CostParameters parameters;
};

std::vector<Network> networks() {
  CostParameters slow;  // 10 Gbit/s through the kernel, as measured
  CostParameters fast = slow;
  fast.latency_seconds = 2e-6;
  fast.overhead_seconds = 0.5e-6;
  fast.gap_seconds = 0.1e-6;
  fast.network_bytes_per_second = 12.5e9;
  fast.network_copy_bytes_per_second = 20e9;
  CostParameters far = slow;
  far.latency_seconds = 100e-6;
  return {{"10 Gbit/s, L 10 us, o 1.5 us", slow},
          {"100 Gbit/s, L 2 us, o 0.5 us", fast},
          {"10 Gbit/s, L 100 us, o 1.5 us", far}};
}

ScheduleParams job(CollectiveKind kind, int rank_count, std::uint64_t bytes, std::uint64_t chunk) {
  ScheduleParams params;
  params.rank_count = rank_count;
  params.chunk_element_count = chunk / 4;
  for (int rank = 0; rank < rank_count; ++rank) {
    params.host_of_rank.push_back(rank);
  }
  params.element_count = bytes / 4;
  if (has_counts(kind)) {
    params.counts.assign(static_cast<std::size_t>(rank_count),
                         bytes / 4 / static_cast<std::uint64_t>(rank_count));
    params.send_counts = kind == CollectiveKind::alltoall ? params.counts : params.send_counts;
  }
  return params;
}

constexpr std::uint64_t kKiB = 1024;

// With the best of the chunks that the selector may choose.
template <typename PredictOne>
double best_us(CollectiveKind kind, int rank_count, std::uint64_t bytes, PredictOne predict_one) {
  double best = 0;
  for (const std::uint64_t chunk : {16 * kKiB, 64 * kKiB, 256 * kKiB, 1024 * kKiB}) {
    const Result<Cost> cost = predict_one(job(kind, rank_count, bytes, chunk));
    if (cost.ok() && (best == 0 || cost->seconds * 1e6 < best)) {
      best = cost->seconds * 1e6;
    }
  }
  return best;
}

double of_row(CollectiveKind kind, Algorithm algorithm, int rank_count, std::uint64_t bytes,
              const CostParameters& parameters) {
  const AlgorithmRow& row = *find_algorithm(kind, algorithm);
  return best_us(kind, rank_count, bytes, [&](const ScheduleParams& params) {
    return predict_algorithm(row, params, DType::float32, parameters);
  });
}

// Both halves up their trees, then both down.
Schedule double_tree_allreduce(ScheduleParams params) {
  Schedule schedule = make_double_tree_reduce(params);
  params.in_place = true;
  const Schedule down = make_double_tree_broadcast(params);
  schedule.ops.insert(schedule.ops.end(), down.ops.begin(), down.ops.end());
  return schedule;
}

// Bruck's: everything in scratch, from the own part on, and turned into place at the end.
Schedule bruck_allgather(const ScheduleParams& params) {
  ScheduleBuilder builder(CollectiveKind::allgather, params);
  const auto ranks = static_cast<std::uint64_t>(params.rank_count);
  const std::uint64_t part = params.counts.front();
  builder.scratch(part * ranks);
  builder.copy(at_scratch(0), at_input(0), part);
  for (std::uint64_t have = 1; have < ranks; have *= 2) {
    const Block sent{0, std::min(have, ranks - have) * part};
    const auto hop = static_cast<int>(have);
    const Rank to{(params.rank.value + params.rank_count - hop) % params.rank_count};
    const Rank from{(params.rank.value + hop) % params.rank_count};
    exchange_in_turn(
        chunk_count_of(sent, params.chunk_element_count), 1,
        [&](std::uint64_t turn) {
          const Block chunk = chunk_of(sent, params.chunk_element_count, turn);
          builder.send(to, at_scratch(chunk.offset), chunk.count);
        },
        [&](std::uint64_t turn) {
          const Block chunk = chunk_of(sent, params.chunk_element_count, turn);
          builder.recv(from, at_scratch(have * part + chunk.offset), chunk.count);
        });
  }
  const std::uint64_t before = static_cast<std::uint64_t>(params.rank.value) * part;
  builder.copy(at_output(before), at_scratch(0), ranks * part - before);
  builder.copy(at_output(0), at_scratch(ranks * part - before), before);
  return builder.take();
}

template <typename Make>
double of_all(CollectiveKind kind, Make make, int rank_count, std::uint64_t bytes,
              const CostParameters& parameters) {
  return best_us(kind, rank_count, bytes, [&](ScheduleParams params) {
    std::vector<Schedule> schedules;
    for (int rank = 0; rank < rank_count; ++rank) {
      params.rank = Rank{rank};
      schedules.push_back(make(params));
    }
    return predict(schedules, DType::float32, parameters, params.host_of_rank);
  });
}

void print_row(int rank_count, std::uint64_t bytes, std::initializer_list<double> figures) {
  std::printf("| %d | %llu KiB |", rank_count, static_cast<unsigned long long>(bytes / kKiB));
  for (const double us : figures) {
    std::printf(" %.0f |", us);
  }
  std::printf("\n");
}

void compare_alltoall(const CostParameters& parameters) {
  constexpr auto kind = CollectiveKind::alltoall;
  std::printf("alltoall, us: ranks | bytes of a rank | pairwise | bruck\n");
  for (const int p : {16, 64, 100, 256, 1024}) {
    for (const std::uint64_t part : {64, 256, 1024, 4096, 16384}) {
      const std::uint64_t bytes = part * static_cast<std::uint64_t>(p);
      print_row(p, bytes,
                {of_row(kind, Algorithm::pairwise, p, bytes, parameters),
                 of_row(kind, Algorithm::bruck, p, bytes, parameters)});
    }
  }
}

void compare_rooted(CollectiveKind kind, const CostParameters& parameters) {
  std::printf("%s, us: ranks | bytes | tree | chain | double tree\n",
              std::string(collective_name(kind)).c_str());
  for (const int p : {8, 16, 64, 256, 1024}) {
    for (const std::uint64_t bytes :
         {64 * kKiB, 256 * kKiB, 1024 * kKiB, 4096 * kKiB, 16384 * kKiB, 65536 * kKiB}) {
      print_row(p, bytes,
                {of_row(kind, Algorithm::tree, p, bytes, parameters),
                 of_row(kind, Algorithm::chain, p, bytes, parameters),
                 of_row(kind, Algorithm::double_tree, p, bytes, parameters)});
    }
  }
}

void compare_allreduce(const CostParameters& parameters) {
  constexpr auto kind = CollectiveKind::allreduce;
  std::printf("allreduce, us: ranks | bytes | doubling | halving | circulant | double tree\n");
  for (const int p : {64, 100, 256}) {
    for (const std::uint64_t bytes : {64 * kKiB, 1024 * kKiB, 16384 * kKiB}) {
      print_row(p, bytes,
                {of_row(kind, Algorithm::recursive_doubling, p, bytes, parameters),
                 of_row(kind, Algorithm::halving_doubling, p, bytes, parameters),
                 of_row(kind, Algorithm::circulant, p, bytes, parameters),
                 of_all(kind, double_tree_allreduce, p, bytes, parameters)});
    }
  }
}

void compare_allgather(const CostParameters& parameters) {
  constexpr auto kind = CollectiveKind::allgather;
  std::printf("allgather, us: ranks | bytes | ring | circulant | bruck\n");
  for (const int p : {64, 100, 256}) {
    for (const std::uint64_t part : {64, 1024, 16384}) {
      const std::uint64_t bytes = part * static_cast<std::uint64_t>(p);
      print_row(p, bytes,
                {of_row(kind, Algorithm::ring, p, bytes, parameters),
                 of_row(kind, Algorithm::circulant, p, bytes, parameters),
                 of_all(kind, bruck_allgather, p, bytes, parameters)});
    }
  }
}

void compare() {
  for (const Network& network : networks()) {
    std::printf("\n%s\n", std::string(network.name).c_str());
    compare_alltoall(network.parameters);
    compare_rooted(CollectiveKind::broadcast, network.parameters);
    compare_rooted(CollectiveKind::reduce, network.parameters);
    compare_allreduce(network.parameters);
    compare_allgather(network.parameters);
  }
}

}  // namespace
}  // namespace hvd

int main() {
  hvd::compare();
  return 0;
}
