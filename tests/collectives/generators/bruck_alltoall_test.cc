#include "collectives/generators/bruck_alltoall.h"

#include <algorithm>

#include "collectives/algorithms.h"
#include "tests/catch.h"
#include "tests/collectives/generator_cases.h"

namespace hvd {
namespace {

ScheduleParams exchanging(int rank_count, std::uint64_t part, std::uint64_t chunk) {
  ScheduleParams params;
  params.rank_count = rank_count;
  params.chunk_element_count = chunk;
  params.counts.assign(static_cast<std::size_t>(rank_count), part);
  params.send_counts = params.counts;
  return params;
}

TEST_CASE("Bruck's alltoall is proven for parts of one size on any number of ranks",
          "[bruck_alltoall]") {
  int count = 0;
  for (int p = 1; p <= 20; ++p) {
    for (const std::uint64_t part : {0, 1, 2, 5}) {
      for (const std::uint64_t chunk : {1, 3, 4, 1000}) {
        for (const int ahead : {1, 2, 3}) {
          ScheduleParams params = exchanging(p, part, chunk);
          params.send_ahead = ahead;
          require_verified(make_bruck_alltoall, params, ahead);
          ++count;
        }
      }
    }
  }
  CHECK(count == 20 * 4 * 4 * 3);
}

TEST_CASE("Bruck's alltoall sends one message a round where parts fit into a chunk",
          "[bruck_alltoall]") {
  for (const auto& [rank_count, rounds] : {std::pair{2, 1}, {5, 3}, {8, 3}, {9, 4}, {64, 6}}) {
    const Schedule schedule = make_bruck_alltoall(exchanging(rank_count, 3, 1000));
    const auto sends = std::count_if(schedule.ops.begin(), schedule.ops.end(),
                                     [](const Op& op) { return op.kind == OpKind::send; });
    CHECK(sends == rounds);
  }
}

TEST_CASE("Bruck's alltoall is refused for parts that differ", "[bruck_alltoall]") {
  const AlgorithmRow& row = *find_algorithm(CollectiveKind::alltoall, Algorithm::bruck);
  ScheduleParams params = exchanging(3, 2, 4);
  CHECK(unmet_need(row, params).empty());
  params.send_counts = {2, 2, 1};
  CHECK(unmet_need(row, params) == "the parts differ in size");
  params = exchanging(3, 2, 4);
  params.counts = {2, 1, 2};
  CHECK(unmet_need(row, params) == "the parts differ in size");
}

}  // namespace
}  // namespace hvd
