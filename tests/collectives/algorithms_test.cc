#include "collectives/algorithms.h"

#include <set>

#include "tests/catch.h"
#include "tests/collectives/all_ranks.h"

namespace hvd {
namespace {

TEST_CASE("every kind has an algorithm that needs nothing", "[algorithms]") {
  for (int kind = 0; kind < kCollectiveKindCount; ++kind) {
    const std::span<const AlgorithmRow> rows = algorithm_rows();
    INFO(collective_name(static_cast<CollectiveKind>(kind)));
    CHECK(std::any_of(rows.begin(), rows.end(), [&](const AlgorithmRow& row) {
      return static_cast<int>(row.kind) == kind && row.needs == 0;
    }));
  }
}

TEST_CASE("an algorithm is found by its number and by its name, and has one name", "[algorithms]") {
  std::set<std::pair<int, int>> seen;
  for (const AlgorithmRow& row : algorithm_rows()) {
    INFO(collective_name(row.kind) << " " << row.name);
    CHECK(seen.emplace(static_cast<int>(row.kind), static_cast<int>(row.algorithm)).second);
    CHECK(find_algorithm(row.kind, row.algorithm) == &row);
    CHECK(find_algorithm(row.kind, row.name) == &row);
    CHECK(algorithm_name(row.algorithm) == row.name);
    CHECK_FALSE(row.what.empty());
  }
  CHECK(find_algorithm(CollectiveKind::barrier, "ring") == nullptr);
  CHECK(algorithm_name(static_cast<Algorithm>(250)) == "unknown");
}

ScheduleParams params_for(const AlgorithmRow& row, int rank_count, std::uint64_t part) {
  ScheduleParams params;
  params.rank_count = rank_count;
  params.element_count = part * static_cast<std::uint64_t>(rank_count);
  if (has_counts(row.kind)) {
    params.counts.assign(static_cast<std::size_t>(rank_count), part);
    params.send_counts = params.counts;
  }
  params.peer = Rank{rank_count - 1};
  params.chunk_element_count = 2;
  params.slot_element_count = 3 * static_cast<std::uint64_t>(rank_count);
  params.in_arena = (row.needs & kNeedsArena) != 0;
  params.reads_peers = (row.needs & kNeedsReads) != 0;
  params.prescale = reduces(row.kind);
  params.postscale = reduces(row.kind);
  params.narrow = reduces(row.kind);
  if ((row.needs & kNeedsSeveralHosts) != 0) {
    for (int rank = 0; rank < rank_count; ++rank) {
      params.host_of_rank.push_back(rank / 2);
    }
  }
  return params;
}

TEST_CASE("no schedule has more ops than its row says", "[algorithms]") {
  for (const AlgorithmRow& row : algorithm_rows()) {
    for (const int rank_count : {3, 4, 7, 16}) {
      for (const std::uint64_t part : {0, 1, 5, 30}) {
        const ScheduleParams params = params_for(row, rank_count, part);
        const ScheduleSize size{
            static_cast<double>(rank_count), static_cast<double>(params.element_count),
            static_cast<double>(part), 2, static_cast<double>(params.slot_element_count)};
        REQUIRE(unmet_need(row, params).empty());
        for (const Schedule& schedule : schedules_of_all_ranks(row.make, params)) {
          INFO(collective_name(row.kind)
               << " " << row.name << " p " << rank_count << " part " << part);
          CHECK(static_cast<double>(schedule.ops.size()) <= row.op_count_bound(size));
        }
      }
    }
  }
}

TEST_CASE("an algorithm is not for ranks that lack what it needs, and says what", "[algorithms]") {
  const AlgorithmRow& row = *find_algorithm(CollectiveKind::reduce_scatter, Algorithm::slots);
  ScheduleParams params = params_for(row, 4, 3);
  CHECK(unmet_need(row, params).empty());
  params.slot_element_count = 3;
  CHECK(unmet_need(row, params) == "the shared memory has no element for each rank");
  params.slot_element_count = 0;
  CHECK(unmet_need(row, params) == "the ranks share no memory");
  params.slot_element_count = 4;
  params.host_of_rank = {0, 0, 0, 1};
  CHECK(unmet_need(row, params) == "the ranks are on several hosts");
}

}  // namespace
}  // namespace hvd
