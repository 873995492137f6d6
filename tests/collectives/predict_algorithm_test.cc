#include "collectives/predict_algorithm.h"

#include <ctime>
#include <utility>
#include <vector>

#include "tests/catch.h"

namespace hvd {
namespace {

constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kMiB = 1024 * kKiB;

// A job of floats on hosts of equal numbers of ranks.
ScheduleParams job(CollectiveKind kind, int rank_count, std::uint64_t bytes, int ranks_per_host = 1,
                   std::uint64_t chunk_bytes = 256 * kKiB) {
  ScheduleParams params;
  params.rank_count = rank_count;
  params.chunk_element_count = chunk_bytes / 4;
  params.slot_element_count = 3 * kMiB / 4;
  for (int rank = 0; rank < rank_count; ++rank) {
    params.host_of_rank.push_back(rank / ranks_per_host);
  }
  if (has_counts(kind)) {
    params.counts.assign(static_cast<std::size_t>(rank_count),
                         bytes / 4 / static_cast<std::uint64_t>(rank_count));
    params.send_counts = kind == CollectiveKind::alltoall ? params.counts : params.send_counts;
  } else {
    params.element_count = bytes / 4;
  }
  return params;
}

const AlgorithmRow& row_of(CollectiveKind kind, Algorithm algorithm) {
  return *find_algorithm(kind, algorithm);
}

Cost cost_of(CollectiveKind kind, Algorithm algorithm, const ScheduleParams& params,
             const CostParameters& parameters = {}) {
  const Result<Cost> cost =
      predict_algorithm(row_of(kind, algorithm), params, DType::float32, parameters);
  INFO(cost.status().message());
  REQUIRE(cost.ok());
  return *cost;
}

// L 1.5 us, o 0.5 us, 100 Gbit/s, reductions at 20 GB/s, blocks as single chunks.
CostParameters published() {
  return {.latency_seconds = 1.5e-6,
          .overhead_seconds = 0.5e-6,
          .gap_seconds = 0,
          .network_bytes_per_second = 12.5e9,
          .network_copy_bytes_per_second = 1e30,
          .op_seconds = 0,
          .core_cached_bytes_per_second = 60e9,
          .core_memory_bytes_per_second = 60e9,
          .host_memory_bytes_per_second = 1e30,
          .cache_bytes = std::uint64_t{1} << 60};
}
double published_us(Algorithm algorithm, std::uint64_t bytes) {
  ScheduleParams params = job(CollectiveKind::allreduce, 1024, bytes, 1, 64 * kMiB);
  params.send_ahead = 1;
  return cost_of(CollectiveKind::allreduce, algorithm, params, published()).seconds * 1e6;
}

TEST_CASE("of 1024 hosts the predictions are those of another evaluator", "[cost]") {
  // Its figures; it takes a copy for each block that comes, which is left out here, so that what
  // moves many bytes is up to a quarter faster.
  struct Figure {
    Algorithm algorithm;
    std::uint64_t bytes;
    double microseconds;
  };
  for (const Figure& figure :
       {Figure{Algorithm::recursive_doubling, 8, 25}, Figure{Algorithm::halving_doubling, 8, 50},
        Figure{Algorithm::recursive_doubling, 64 * kKiB, 110},
        Figure{Algorithm::halving_doubling, 64 * kKiB, 67},
        Figure{Algorithm::ring, 64 * kKiB, 5132}, Figure{Algorithm::recursive_doubling, kMiB, 1388},
        Figure{Algorithm::halving_doubling, kMiB, 322}, Figure{Algorithm::ring, kMiB, 5387},
        Figure{Algorithm::recursive_doubling, 64 * kMiB, 87000},
        Figure{Algorithm::halving_doubling, 64 * kMiB, 17500},
        Figure{Algorithm::ring, 64 * kMiB, 22500}}) {
    INFO(algorithm_name(figure.algorithm) << " of " << figure.bytes);
    const double predicted = published_us(figure.algorithm, figure.bytes);
    CHECK(predicted < figure.microseconds * 1.03);
    CHECK(predicted > figure.microseconds * 0.75);
  }
}

TEST_CASE("short vectors are for recursive doubling, the others for halving", "[cost]") {
  const auto us = published_us;
  CHECK(us(Algorithm::recursive_doubling, 8) < us(Algorithm::halving_doubling, 8));
  CHECK(us(Algorithm::halving_doubling, 64 * kKiB) < us(Algorithm::recursive_doubling, 64 * kKiB));
  CHECK(us(Algorithm::halving_doubling, 64 * kMiB) < us(Algorithm::ring, 64 * kMiB));
  CHECK(us(Algorithm::ring, 64 * kMiB) < us(Algorithm::recursive_doubling, 64 * kMiB));
  // Where blocks are long the ring, which overlaps its chunks, is not behind any more.
  const ScheduleParams few = job(CollectiveKind::allreduce, 8, 64 * kMiB);
  CHECK(cost_of(CollectiveKind::allreduce, Algorithm::ring, few).seconds <
        cost_of(CollectiveKind::allreduce, Algorithm::halving_doubling, few).seconds * 1.05);
}

TEST_CASE("one rank stands for all where all do the same", "[cost]") {
  using Kind = CollectiveKind;
  for (const auto& [kind, algorithm] : {std::pair{Kind::allreduce, Algorithm::ring},
                                        {Kind::allgather, Algorithm::ring},
                                        {Kind::reduce_scatter, Algorithm::ring},
                                        {Kind::reduce_scatter, Algorithm::pairwise},
                                        {Kind::alltoall, Algorithm::pairwise},
                                        {Kind::alltoall, Algorithm::bruck},
                                        {Kind::allreduce, Algorithm::halving_doubling},
                                        {Kind::allreduce, Algorithm::recursive_doubling},
                                        {Kind::barrier, Algorithm::dissemination}}) {
    INFO(collective_name(kind) << " by " << algorithm_name(algorithm));
    ScheduleParams params = job(kind, 32, kind == Kind::barrier ? 0 : 8 * kMiB);
    const Cost all = cost_of(kind, algorithm, params);
    REQUIRE(all.method == CostMethod::every_rank);
    const Result<Cost> one =
        predict_symmetric(row_of(kind, algorithm).make(params), DType::float32, {});
    INFO(one.status().message());
    REQUIRE(one.ok());
    CHECK(one->seconds == Approx(all.seconds).epsilon(0.02));
    CHECK(one->network_bytes == Approx(all.network_bytes).epsilon(1e-9));
    CHECK(one->message_count == Approx(all.message_count));
    CHECK(one->round_count == Approx(all.round_count));
  }
}

// Of all ranks' ops.
Cost exact_cost(const AlgorithmRow& row, const ScheduleParams& params) {
  const Result<std::vector<Schedule>> schedules = make_all_schedules(row, params);
  REQUIRE(schedules.ok());
  const Result<Cost> exact = predict(*schedules, DType::float32, {}, params.host_of_rank);
  REQUIRE(exact.ok());
  return *exact;
}

TEST_CASE("what is extrapolated is near what was evaluated rank by rank", "[cost]") {
  using Kind = CollectiveKind;
  struct Large {
    Kind kind;
    Algorithm algorithm;
    int rank_count;
    std::uint64_t bytes;
    int ranks_per_host;
    std::uint64_t chunk_bytes;
    double ops_most = kCostOpsMost;
  };
  for (const Large& large :
       {Large{Kind::broadcast, Algorithm::tree, 128, 8 * kMiB, 1, 16 * kKiB},
        Large{Kind::broadcast, Algorithm::chain, 150, 8 * kMiB, 1, 4 * kKiB},
        Large{Kind::allreduce, Algorithm::recursive_doubling, 100, 8 * kMiB, 2, 8 * kKiB},
        Large{Kind::allreduce, Algorithm::halving_doubling, 150, 8 * kMiB, 1, 8 * kKiB},
        Large{Kind::allreduce, Algorithm::ring, 384, 16 * kMiB, 4, 256 * kKiB},
        Large{Kind::allreduce, Algorithm::hierarchical, 64, 64 * kMiB, 4, 256 * kKiB, 4e4},
        Large{Kind::allreduce, Algorithm::ring, 8, 32 * kMiB, 4, kKiB}}) {
    INFO(collective_name(large.kind) << " by " << algorithm_name(large.algorithm));
    const ScheduleParams params =
        job(large.kind, large.rank_count, large.bytes, large.ranks_per_host, large.chunk_bytes);
    const AlgorithmRow& row = row_of(large.kind, large.algorithm);
    const Result<Cost> quick = predict_algorithm(row, params, DType::float32, {}, large.ops_most);
    REQUIRE(quick.ok());
    const Cost exact = exact_cost(row, params);
    CHECK(quick->method == CostMethod::extrapolated);
    CHECK(quick->seconds == Approx(exact.seconds).epsilon(0.25));
    CHECK(quick->network_bytes == Approx(exact.network_bytes).epsilon(0.25));
  }
}

TEST_CASE("few chunks of a vector tell what all of it takes", "[cost]") {
  int extrapolated_count = 0;
  for (const AlgorithmRow& row : algorithm_rows()) {
    for (const int ranks_per_host : {1, 2}) {
      const ScheduleParams params = job(row.kind, 6, 16 * kMiB, ranks_per_host, 64 * kKiB);
      const PredictionPlan plan = plan_prediction(row, params, 1500);
      // Adasum is for short vectors, hosts with one rank each need nothing inside them.
      const bool is_odd = (row.needs & kNeedsAdasum) != 0 ||
                          (row.algorithm == Algorithm::hierarchical && ranks_per_host == 1);
      if (is_odd || !unmet_need(row, params).empty() || plan.method != CostMethod::extrapolated) {
        continue;
      }
      INFO(collective_name(row.kind) << " by " << row.name << ", " << ranks_per_host << " a host");
      const Result<Cost> quick = predict_algorithm(row, params, DType::float32, {}, 1500);
      REQUIRE(quick.ok());
      CHECK(quick->seconds == Approx(exact_cost(row, params).seconds).epsilon(0.1));
      CHECK_FALSE(plan.is_along_hosts);
      CHECK(plan.ops <= 2 * 1500);
      ++extrapolated_count;
    }
  }
  CHECK(extrapolated_count > 15);
}

TEST_CASE("a plan says what a prediction does", "[cost]") {
  const AlgorithmRow& ring = row_of(CollectiveKind::allreduce, Algorithm::ring);
  const auto method = [&](int hosts, double ops_most) {
    const ScheduleParams params = job(CollectiveKind::allreduce, hosts, kMiB);
    const PredictionPlan plan = plan_prediction(ring, params, ops_most);
    const Result<Cost> cost = predict_algorithm(ring, params, DType::float32, {}, ops_most);
    REQUIRE(cost.ok());
    CHECK(cost->method == plan.method);
    CHECK((plan.method != CostMethod::every_rank || cost->op_count <= plan.ops));
    return plan.method;
  };
  CHECK(method(4, 1e4) == CostMethod::every_rank);
  CHECK(method(64, 1e4) == CostMethod::one_for_all);
  CHECK(plan_prediction(row_of(CollectiveKind::broadcast, Algorithm::tree),
                        job(CollectiveKind::broadcast, 64, 64 * kMiB), 1e3)
            .is_along_hosts);
}

TEST_CASE("of 131072 ranks and of 100000 each algorithm is predicted in a second", "[cost]") {
  // Of processor time, and thrice that: sanitizers and a slow machine may need it.
  constexpr double kSecondsMost = 3;
  for (const AlgorithmRow& row : algorithm_rows()) {
    for (const int rank_count : {100000, 131072}) {
      const ScheduleParams params =
          job(row.kind, rank_count, row.kind == CollectiveKind::barrier ? 0 : 64 * kMiB, 2);
      if (!unmet_need(row, params).empty()) {
        continue;
      }
      INFO(collective_name(row.kind) << " by " << row.name << " of " << rank_count);
      const std::clock_t begin = std::clock();
      CHECK(cost_of(row.kind, row.algorithm, params).seconds > 0);
      const double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
      CHECK(seconds < kSecondsMost);
    }
  }
}

TEST_CASE("of 131072 hosts halving is some forty times as fast as the ring", "[cost]") {
  const ScheduleParams params = job(CollectiveKind::allreduce, 131072, 64 * kMiB, 1, 64 * kMiB);
  const double ring =
      cost_of(CollectiveKind::allreduce, Algorithm::ring, params, published()).seconds;
  const double halving =
      cost_of(CollectiveKind::allreduce, Algorithm::halving_doubling, params, published()).seconds;
  CHECK(ring == Approx(0.669).epsilon(0.05));
  CHECK(ring / halving > 30);
  CHECK(ring / halving < 60);
}

TEST_CASE("two trees are several times as fast as one or a chain for many ranks", "[cost]") {
  for (const CollectiveKind kind : {CollectiveKind::broadcast, CollectiveKind::reduce}) {
    const ScheduleParams params = job(kind, 256, 4 * kMiB, 1, 64 * kKiB);
    const double both = cost_of(kind, Algorithm::double_tree, params).seconds;
    CHECK(both * 5 < cost_of(kind, Algorithm::tree, params).seconds);
    CHECK(both * 2 < cost_of(kind, Algorithm::chain, params).seconds);
    const ScheduleParams few = job(kind, 8, 64 * kMiB);
    CHECK(cost_of(kind, Algorithm::double_tree, few).seconds <
          cost_of(kind, Algorithm::chain, few).seconds * 1.05);
  }
}

TEST_CASE("Bruck's alltoall is for short parts and the pairwise one for others", "[cost]") {
  constexpr auto kind = CollectiveKind::alltoall;
  for (const int rank_count : {64, 256}) {
    const auto seconds = [&](Algorithm algorithm, std::uint64_t part) {
      const auto ranks = static_cast<std::uint64_t>(rank_count);
      return cost_of(kind, algorithm, job(kind, rank_count, part * ranks)).seconds;
    };
    CHECK(seconds(Algorithm::bruck, 64) * 2 < seconds(Algorithm::pairwise, 64));
    CHECK(seconds(Algorithm::bruck, 512) < seconds(Algorithm::pairwise, 512));
    CHECK(seconds(Algorithm::bruck, 4096) > seconds(Algorithm::pairwise, 4096));
  }
}

TEST_CASE("an algorithm whose needs are not met has no prediction", "[cost]") {
  const AlgorithmRow& row = row_of(CollectiveKind::allreduce, Algorithm::one_shot);
  const ScheduleParams params = job(CollectiveKind::allreduce, 2, 64);
  CHECK(predict_algorithm(row, params, DType::float32, {})
            .status()
            .message()
            .find("the ranks are on several hosts") != std::string::npos);
}

}  // namespace
}  // namespace hvd
