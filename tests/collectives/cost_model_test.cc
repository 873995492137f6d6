#include "collectives/cost_model.h"

#include <vector>

#include "collectives/algorithms.h"
#include "collectives/predict_algorithm.h"
#include "collectives/schedule_builder.h"
#include "tests/catch.h"

namespace hvd {
namespace {

// In which sums can be done in the head: latency 10, overhead 1, gap 2, 100 bytes a second.
CostParameters simple() {
  return {.latency_seconds = 10,
          .overhead_seconds = 1,
          .gap_seconds = 2,
          .network_bytes_per_second = 100,
          .network_copy_bytes_per_second = 1e30,
          .network_slot_count = 8,
          .flag_seconds = 3,
          .op_seconds = 0,
          .core_cached_bytes_per_second = 100,
          .core_memory_bytes_per_second = 50,
          .host_memory_bytes_per_second = 75,
          .cache_bytes = 1U << 20,
          .host_slot_count = 2};
}

// Schedules by hand; all are of one collective of so many ranks.
struct Ranks {
  explicit Ranks(int rank_count) {
    ScheduleParams params;
    params.rank_count = rank_count;
    params.element_count = 100;
    params.chunk_element_count = 100;
    for (int rank = 0; rank < rank_count; ++rank) {
      params.rank = Rank{rank};
      builders.emplace_back(CollectiveKind::broadcast, params);
    }
  }
  Result<Cost> cost(const std::vector<int>& hosts, const CostParameters& parameters = simple()) {
    std::vector<Schedule> schedules;
    schedules.reserve(builders.size());
    for (ScheduleBuilder& builder : builders) {
      schedules.push_back(builder.take());
    }
    return predict(schedules, DType::float32, parameters, hosts);
  }
  std::vector<ScheduleBuilder> builders;
};

TEST_CASE("a chunk takes overhead, latency, its bytes and overhead", "[cost]") {
  Ranks ranks(2);
  ranks.builders[0].send(Rank{1}, at_input(0), 100);
  ranks.builders[1].recv(Rank{0}, at_output(0), 100);
  const Result<Cost> cost = ranks.cost({0, 1});
  REQUIRE(cost.ok());
  CHECK(cost->seconds == Approx(1 + 10 + 4 + 1));
  CHECK(cost->network_bytes == 400);
  CHECK(cost->network_bytes_rank == 400);
  CHECK(cost->message_count == 1);
  CHECK(cost->round_count == 1);
  CHECK(cost->slot_bytes == 0);
}

TEST_CASE("empty chunks leave an interface a gap apart", "[cost]") {
  Ranks ranks(2);
  ranks.builders[0].send(Rank{1}, Place{}, 0).send(Rank{1}, Place{}, 0);
  ranks.builders[1].recv(Rank{0}, Place{}, 0).recv(Rank{0}, Place{}, 0);
  CHECK(ranks.cost({0, 1})->seconds == Approx(1 + 2 + 10 + 1));
}

TEST_CASE("a sender waits for a slot of its edge", "[cost]") {
  Ranks ranks(2);
  ranks.builders[0].send(Rank{1}, at_input(0), 100).send(Rank{1}, at_input(0), 100);
  ranks.builders[1].recv(Rank{0}, at_output(0), 100).recv(Rank{0}, at_output(0), 100);
  CostParameters parameters = simple();
  parameters.network_slot_count = 1;
  // Taken at 16, known to the sender at 26.
  CHECK(ranks.cost({0, 1}, parameters)->seconds == Approx(26 + 1 + 10 + 4 + 1));
}

TEST_CASE("the ranks of a host share its interface", "[cost]") {
  Ranks ranks(4);
  ranks.builders[0].send(Rank{2}, at_input(0), 100);
  ranks.builders[1].send(Rank{3}, at_input(0), 100);
  ranks.builders[2].recv(Rank{0}, at_output(0), 100);
  ranks.builders[3].recv(Rank{1}, at_output(0), 100);
  CHECK(ranks.cost({0, 0, 1, 1})->seconds == Approx(1 + 4 + 10 + 4 + 1));
}

TEST_CASE("an interface takes one chunk after another", "[cost]") {
  Ranks ranks(3);
  ranks.builders[0].send(Rank{2}, at_input(0), 100);
  ranks.builders[1].send(Rank{2}, at_input(0), 100);
  ranks.builders[2].recv(Rank{1}, at_output(0), 100).recv(Rank{0}, at_output(0), 100);
  // Rank 1's is second on the wire, there at 19.
  CHECK(ranks.cost({0, 1, 2})->seconds == Approx(1 + 10 + 4 + 4 + 1 + 1));
}

TEST_CASE("a flag is seen a flag's time after it was raised", "[cost]") {
  Ranks ranks(2);
  ranks.builders[0].copy(at_scratch(0), at_input(0), 100).post(1, 1);
  ranks.builders[1].wait(Rank{0}, 1, 1);
  CHECK(ranks.cost({0, 0})->seconds == Approx(8 + 3));
}

TEST_CASE("whoever waits for all waits for the last", "[cost]") {
  Ranks ranks(3);
  for (ScheduleBuilder& builder : ranks.builders) {
    builder.slot(100, {Rank{0}, Rank{1}, Rank{2}});
  }
  ranks.builders[0].post(0, 1).wait_all(0, 1);
  ranks.builders[1].copy(at_slot(Rank{1}, 0), at_input(0), 50).post(0, 1);
  ranks.builders[2].copy(at_slot(Rank{2}, 0), at_input(0), 100).post(0, 1);
  const Result<Cost> cost = ranks.cost({0, 0, 0});
  CHECK(cost->seconds == Approx(8 + 3));
  CHECK(cost->slot_bytes == 600);
}

TEST_CASE("outside the caches the cores of a host share its memory", "[cost]") {
  CostParameters parameters = simple();
  parameters.cache_bytes = 0;
  // Read, read the line, written: 1200 bytes at 50 a second.
  Ranks alone(1);
  alone.builders[0].copy(at_output(0), at_input(0), 100);
  CHECK(alone.cost({0}, parameters)->seconds == Approx(24));
  // 2400 bytes at 75 a second.
  Ranks both(2);
  both.builders[0].copy(at_output(0), at_input(0), 100);
  both.builders[1].copy(at_output(0), at_input(0), 100);
  CHECK(both.cost({0, 0}, parameters)->seconds == Approx(32));
  Ranks apart(2);
  apart.builders[0].copy(at_output(0), at_input(0), 100);
  apart.builders[1].copy(at_output(0), at_input(0), 100);
  CHECK(apart.cost({0, 1}, parameters)->seconds == Approx(24));
}

TEST_CASE("a rank that waits for ever is named with its op", "[cost]") {
  Ranks ranks(2);
  ranks.builders[1].recv(Rank{0}, at_output(0), 100);
  const Result<Cost> cost = ranks.cost({0, 1});
  REQUIRE(!cost.ok());
  CHECK(cost.status().message().find("rank 1 waits for ever at op 0, recv <0") !=
        std::string::npos);
}

TEST_CASE("peers, hosts and parameters that are none are refused", "[cost]") {
  Ranks stranger(2);
  stranger.builders[0].send(Rank{2}, at_input(0), 1);
  CHECK(!stranger.cost({0, 1}).ok());
  CHECK(!Ranks(2).cost({0}).ok());
  CHECK(!Ranks(2).cost({0, 2}).ok());
  CostParameters no_rate = simple();
  no_rate.network_bytes_per_second = 0;
  CHECK(!Ranks(2).cost({0, 1}, no_rate).ok());
  CHECK(check_parameters(CostParameters{}).ok());
}

// A job of two ranks on each of `host_count` hosts.
ScheduleParams pairs_of(int host_count, std::uint64_t element_count) {
  ScheduleParams params;
  params.rank_count = 2 * host_count;
  params.element_count = element_count;
  params.chunk_element_count = 4096;
  params.slot_element_count = 16384;
  for (int rank = 0; rank < params.rank_count; ++rank) {
    params.host_of_rank.push_back(rank / 2);
  }
  return params;
}

TEST_CASE("every allreduce costs more for more bytes, and on a slower network", "[cost]") {
  for (const AlgorithmRow& row : algorithm_rows()) {
    if (row.kind != CollectiveKind::allreduce || !unmet_need(row, pairs_of(3, 1)).empty()) {
      continue;
    }
    double before = 0;
    for (std::uint64_t count = 64; count <= 1U << 20; count *= 4) {
      INFO(row.name << " of " << count);
      const ScheduleParams params = pairs_of(3, count);
      const Result<Cost> cost = predict_algorithm(row, params, DType::float32, {});
      const Result<Cost> late =
          predict_algorithm(row, params, DType::float32, {.latency_seconds = 50e-6});
      const Result<Cost> thin =
          predict_algorithm(row, params, DType::float32, {.network_bytes_per_second = 1e8});
      REQUIRE(cost.ok());
      CHECK(cost->seconds > before);
      CHECK(late->seconds > cost->seconds);
      CHECK(thin->seconds > cost->seconds);
      CHECK(thin->network_bytes == cost->network_bytes);
      before = cost->seconds;
    }
  }
}

TEST_CASE("a ring sends 2 (p - 1) blocks, and its prediction is the same each time", "[cost]") {
  ScheduleParams params;
  params.rank_count = 5;
  params.element_count = 5 << 12;
  params.chunk_element_count = 1024;
  params.host_of_rank = {0, 1, 2, 3, 4};
  const AlgorithmRow& ring = *find_algorithm(CollectiveKind::allreduce, Algorithm::ring);
  const Result<Cost> cost = predict_algorithm(ring, params, DType::float32, {});
  REQUIRE(cost.ok());
  CHECK(cost->network_bytes_rank == 8 * 4096 * 4);
  CHECK(cost->network_bytes == 5 * 8 * 4096 * 4);
  CHECK(predict_algorithm(ring, params, DType::float32, {})->seconds == cost->seconds);
  params.narrow = true;
  CHECK(predict_algorithm(ring, params, DType::float32, {})->network_bytes ==
        cost->network_bytes / 2);
}

}  // namespace
}  // namespace hvd
