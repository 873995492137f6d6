#include "collectives/selector.h"

#include <array>
#include <set>

#include "collectives/verifier.h"
#include "tests/catch.h"

namespace hvd {
namespace {

WorkShape allreduce_of(std::size_t float_count) {
  WorkShape shape;
  shape.kind = CollectiveKind::allreduce;
  shape.dtype = DType::float32;
  shape.element_count = float_count;
  return shape;
}

ScheduleSpec chosen(const WorkShape& shape, int rank_count, const SelectorSettings& settings = {}) {
  const Result<ScheduleChoice> choice = choose(shape, rank_count, settings);
  REQUIRE(choice.ok());
  const Result<ScheduleSpec> spec = unpack_choice(*choice, shape.kind);
  REQUIRE(spec.ok());
  return *spec;
}

TEST_CASE("short vectors are doubled, long ones go around the ring", "[selector]") {
  CHECK(chosen(allreduce_of(2), 4).algorithm == Algorithm::recursive_doubling);
  CHECK(chosen(allreduce_of(8 << 10), 4).algorithm == Algorithm::recursive_doubling);
  CHECK(chosen(allreduce_of((8 << 10) + 1), 4).algorithm == Algorithm::halving_doubling);
  CHECK(chosen(allreduce_of(1 << 16), 4).algorithm == Algorithm::ring);
  CHECK(chosen(allreduce_of(1 << 20), 4).chunk_bytes == 256 << 10);
  CHECK(chosen(allreduce_of(1 << 16), 4).chunk_bytes == 32 << 10);  // half a block
}

TEST_CASE("settings force the algorithm of an allreduce and the chunk", "[selector]") {
  CHECK(chosen(allreduce_of(2), 4, {.algorithm = "ring"}).algorithm == Algorithm::ring);
  CHECK(chosen(allreduce_of(1 << 20), 4, {.algorithm = "tree"}).algorithm == Algorithm::tree);
  CHECK(chosen(allreduce_of(1 << 20), 4, {.chunk_bytes = 4096}).chunk_bytes == 4096);
  CHECK(chosen(allreduce_of(1 << 20), 4, {.chunk_bytes = 13}).chunk_bytes == 16);
  WorkShape barrier;
  CHECK(chosen(barrier, 4, {.algorithm = "tree"}).algorithm == Algorithm::dissemination);
  const Status status = choose(allreduce_of(2), 4, {.algorithm = "star"}).status();
  CHECK(status.code() == StatusCode::invalid_argument);
  CHECK(status.message().find("HVD_ALGORITHM has the value 'star'") != std::string::npos);
}

TEST_CASE("a chunk is never larger than a slot", "[selector]") {
  CHECK(chosen(allreduce_of(1000), 4, {.chunk_bytes = 1 << 20}).chunk_bytes == 4000);
  CHECK(chosen(allreduce_of(1 << 24), 2, {.slot_bytes = 65536}).chunk_bytes == 65536);
  CHECK(chosen(allreduce_of(1 << 24), 2, {.chunk_bytes = 1 << 20, .slot_bytes = 100}).chunk_bytes ==
        96);
}

TEST_CASE("a chunk that is too small for a huge vector grows, and one from a peer is refused",
          "[selector]") {
  const WorkShape huge = allreduce_of(std::size_t{1} << 34);
  const Result<ScheduleChoice> choice = choose(huge, 4, {.chunk_bytes = 8});
  REQUIRE(choice.ok());
  CHECK(unpack_choice(*choice, huge.kind)->chunk_bytes >= 16 << 10);
  ScheduleParams params;
  params.rank_count = 4;
  params.element_count = huge.element_count;
  const Status status =
      make_schedule(pack_choice({Algorithm::ring, 16}), huge.kind, huge.dtype, params).status();
  CHECK(status.code() == StatusCode::invalid_argument);
  CHECK(status.message().find("HVD_CHUNK_BYTES") != std::string::npos);
}

TEST_CASE("bad parameters give a status and no schedule", "[selector]") {
  ScheduleParams params;
  params.rank = Rank{3};
  params.rank_count = 2;
  CHECK_FALSE(make_schedule(pack_choice({Algorithm::ring, 16}), CollectiveKind::allreduce,
                            DType::float32, params)
                  .ok());
}

constexpr SelectorSettings kShared{.slot_bytes_express = 256 << 10, .slot_bytes_bulk = 8 << 20};

TEST_CASE("on one host items pass through shared slots, small ones in their own lane",
          "[selector]") {
  CHECK(chosen(allreduce_of(2), 2, kShared).algorithm == Algorithm::one_shot);
  CHECK(chosen(allreduce_of(2), 2, kShared).lane == Lane::express);
  CHECK(chosen(allreduce_of(32 << 10), 2, kShared).algorithm == Algorithm::one_shot);
  CHECK(chosen(allreduce_of((32 << 10) + 1), 2, kShared).algorithm == Algorithm::two_shot);
  CHECK(chosen(allreduce_of(1 << 20), 2, kShared).lane == Lane::bulk);
  CHECK(chosen(allreduce_of(8 << 10), 4, kShared).algorithm == Algorithm::one_shot);
  CHECK(chosen(allreduce_of((16 << 10) + 1), 4, kShared).algorithm == Algorithm::two_shot);
  CHECK(chosen(WorkShape{}, 4, kShared).algorithm == Algorithm::slots);
}

TEST_CASE("hosts with several ranks are used as such, lone ranks by edges", "[selector]") {
  constexpr std::array<int, 4> pairs = {0, 0, 1, 1};
  constexpr std::array<int, 4> lone = {0, 1, 2, 3};
  SelectorSettings settings = kShared;
  settings.host_of_rank = pairs;
  CHECK(chosen(allreduce_of(2), 4, settings).algorithm == Algorithm::hierarchical);
  CHECK(chosen(allreduce_of(1 << 22), 4, settings).algorithm == Algorithm::hierarchical);
  CHECK(chosen(allreduce_of(1 << 18), 4, settings).chunk_bytes == 64 << 10);
  settings.host_of_rank = lone;
  CHECK(chosen(allreduce_of(1 << 22), 4, settings).algorithm == Algorithm::ring);
  CHECK(chosen(allreduce_of(16 << 10), 4, settings).algorithm == Algorithm::halving_doubling);
  CHECK(chosen(allreduce_of(2), 4, settings).algorithm == Algorithm::recursive_doubling);
  settings.host_of_rank = {};
  CHECK(chosen(allreduce_of(16 << 10), 3).algorithm == Algorithm::circulant);
}

TEST_CASE("parts of all ranks go to each host once, and short ones in few rounds", "[selector]") {
  constexpr std::array<int, 6> pairs = {0, 0, 1, 1, 2, 2};
  constexpr std::array<int, 6> lone = {0, 1, 2, 3, 4, 5};
  for (const auto& [kind, of_long_parts] :
       {std::pair{CollectiveKind::allgather, Algorithm::ring},
        std::pair{CollectiveKind::reduce_scatter, Algorithm::pairwise}}) {
    WorkShape shape = allreduce_of(6 << 10);
    shape.kind = kind;
    shape.even_parts = true;
    CHECK(chosen(shape, 6, kShared).algorithm == Algorithm::slots);
    SelectorSettings settings = kShared;
    settings.host_of_rank = pairs;
    CHECK(chosen(shape, 6, settings).algorithm == Algorithm::hierarchical);
    settings.host_of_rank = lone;
    CHECK(chosen(shape, 6, settings).algorithm == Algorithm::circulant);
    shape.even_parts = false;
    CHECK(chosen(shape, 6, settings).algorithm == of_long_parts);
    shape.even_parts = true;
    shape.element_count = 6 << 20;
    CHECK(chosen(shape, 6, settings).algorithm == of_long_parts);
  }
}

TEST_CASE("vectors of one root go through slots, down a tree, or along a chain if long",
          "[selector]") {
  for (const CollectiveKind kind : {CollectiveKind::broadcast, CollectiveKind::reduce}) {
    WorkShape shape = allreduce_of(1 << 10);
    shape.kind = kind;
    CHECK(chosen(shape, 4, kShared).algorithm == Algorithm::slots);
    CHECK(chosen(shape, 4).algorithm == Algorithm::tree);
    shape.element_count = 1 << 20;
    CHECK(chosen(shape, 4, kShared).algorithm ==
          (kind == CollectiveKind::reduce ? Algorithm::two_shot : Algorithm::slots));
    CHECK(chosen(shape, 4).algorithm == Algorithm::chain);
    CHECK(chosen(shape, 2).algorithm == Algorithm::tree);
    constexpr std::array<int, 4> pairs = {0, 0, 1, 1};
    SelectorSettings settings = kShared;
    settings.host_of_rank = pairs;
    CHECK(chosen(shape, 4, settings).algorithm == Algorithm::hierarchical);
  }
}

TEST_CASE("from 8 ranks on all but short vectors of one root go along two trees", "[selector]") {
  for (const CollectiveKind kind : {CollectiveKind::broadcast, CollectiveKind::reduce}) {
    for (const int rank_count : {8, 100}) {
      WorkShape shape = allreduce_of((32 << 10) / 4);
      shape.kind = kind;
      CHECK(chosen(shape, rank_count).algorithm == Algorithm::tree);
      shape.element_count += 1;
      CHECK(chosen(shape, rank_count).algorithm == Algorithm::double_tree);
      shape.element_count = (1 << 20) / 4;
      CHECK(chosen(shape, rank_count).chunk_bytes == 32 << 10);
      shape.element_count = 16 << 20;
      CHECK(chosen(shape, rank_count).algorithm == Algorithm::double_tree);
    }
  }
}

TEST_CASE("equal short parts of an alltoall of many ranks travel together", "[selector]") {
  constexpr int kRanks = 32;
  WorkShape shape = allreduce_of(kRanks * 512 / 4);
  shape.kind = CollectiveKind::alltoall;
  shape.even_parts = true;
  CHECK(chosen(shape, kRanks).algorithm == Algorithm::bruck);
  CHECK(chosen(shape, kRanks / 2).algorithm == Algorithm::pairwise);
  CHECK(chosen(shape, kRanks, kShared).algorithm == Algorithm::slots);
  shape.even_parts = false;
  CHECK(chosen(shape, kRanks).algorithm == Algorithm::pairwise);
  shape.even_parts = true;
  shape.element_count += kRanks;
  CHECK(chosen(shape, kRanks).algorithm == Algorithm::pairwise);
}

TEST_CASE("only fp32 that is reduced over edges becomes narrow", "[selector]") {
  SelectorSettings settings;
  settings.narrow = WireType::bfloat16;
  WorkShape shape = allreduce_of(1 << 20);
  CHECK(chosen(shape, 4, settings).narrow == WireType::bfloat16);
  shape.dtype = DType::float64;
  CHECK(chosen(shape, 4, settings).narrow == WireType::own);
  shape.dtype = DType::float32;
  shape.kind = CollectiveKind::broadcast;
  CHECK(chosen(shape, 4, settings).narrow == WireType::own);
  settings.slot_bytes_bulk = 1 << 20;
  CHECK(chosen(allreduce_of(1 << 20), 4, settings).narrow == WireType::own);
}

TEST_CASE("long tensors in the arena are combined where they lie", "[selector]") {
  SelectorSettings settings = kShared;
  settings.in_arena = true;
  CHECK(chosen(allreduce_of(1 << 20), 2, settings).algorithm == Algorithm::arena);
  CHECK(chosen(allreduce_of(1 << 10), 2, settings).algorithm == Algorithm::one_shot);
  settings.in_arena = false;
  settings.algorithm = "arena";
  CHECK(chosen(allreduce_of(1 << 20), 2, settings).algorithm == Algorithm::two_shot);
}

TEST_CASE("tensors in the arena that are too many to be told are copied", "[selector]") {
  SelectorSettings settings = kShared;
  settings.algorithm = GENERATE("auto", "arena");
  settings.in_arena = true;
  WorkShape shape = allreduce_of(1 << 20);
  shape.tensor_count = settings.slot_bytes_bulk / kTensorPlaceBytes;
  CHECK(chosen(shape, 2, settings).algorithm == Algorithm::arena);
  ++shape.tensor_count;
  CHECK(chosen(shape, 2, settings).algorithm == Algorithm::two_shot);
}

TEST_CASE("a long part that one rank needs is read where it lies, if that is preferred and allowed",
          "[selector]") {
  SelectorSettings settings = kShared;
  settings.reads_peers = true;
  settings.prefers_single_copy = true;
  settings.tuning.single_copy_bytes_min = 64 << 10;
  settings.tuning.single_copy_rank_count_most = 2;
  const auto algorithm_of = [&](CollectiveKind kind, int rank_count, std::uint64_t part_floats) {
    return chosen({.kind = kind,
                   .dtype = DType::float32,
                   .element_count = part_floats * static_cast<std::uint64_t>(rank_count)},
                  rank_count, settings)
        .algorithm;
  };
  constexpr std::uint64_t kLeast = 16 << 10;
  for (const CollectiveKind kind : {CollectiveKind::allgather, CollectiveKind::alltoall}) {
    CHECK(algorithm_of(kind, 2, kLeast) == Algorithm::single_copy);
    CHECK(algorithm_of(kind, 2, kLeast - 1) == Algorithm::slots);
    CHECK(algorithm_of(kind, 1, kLeast) != Algorithm::single_copy);
  }
  CHECK(algorithm_of(CollectiveKind::alltoall, 3, kLeast) == Algorithm::single_copy);
  CHECK(algorithm_of(CollectiveKind::allgather, 3, kLeast) == Algorithm::slots);
  settings.prefers_single_copy = false;
  CHECK(algorithm_of(CollectiveKind::alltoall, 2, kLeast) == Algorithm::slots);
  // Only who forces it gets it where the root's core would be idle.
  CHECK(algorithm_of(CollectiveKind::broadcast, 2, kLeast) == Algorithm::slots);
  settings.algorithm = "single_copy";
  CHECK(algorithm_of(CollectiveKind::broadcast, 2, kLeast) == Algorithm::single_copy);
  settings.reads_peers = false;
  CHECK(algorithm_of(CollectiveKind::broadcast, 2, kLeast) == Algorithm::slots);
  CHECK(algorithm_of(CollectiveKind::alltoall, 2, kLeast) == Algorithm::slots);
  settings.reads_peers = true;
  const std::array hosts = {0, 1};
  settings.host_of_rank = hosts;
  CHECK(algorithm_of(CollectiveKind::alltoall, 2, kLeast) == Algorithm::pairwise);
}

TEST_CASE("long items bypass the caches from the size on that calibration found", "[selector]") {
  SelectorSettings settings = kShared;
  CHECK_FALSE(chosen(allreduce_of(1 << 24), 2, settings).stream);
  settings.tuning.stream_bytes_min = 1 << 20;
  CHECK(chosen(allreduce_of(1 << 18), 2, settings).stream);
  CHECK_FALSE(chosen(allreduce_of((1 << 18) - 1), 2, settings).stream);
}

TEST_CASE("an algorithm that cannot be had gives way, an unknown one is an error", "[selector]") {
  CHECK(chosen(allreduce_of(1 << 20), 4, {.algorithm = "two_shot"}).algorithm == Algorithm::ring);
  SelectorSettings settings = kShared;
  settings.algorithm = "linear";  // a gather's
  CHECK(chosen(allreduce_of(1 << 20), 4, settings).algorithm == Algorithm::two_shot);
  settings.algorithm = "ring";
  CHECK(chosen(allreduce_of(2), 4, settings).algorithm == Algorithm::ring);
  const std::string text = choose(allreduce_of(2), 4, {.algorithm = "star"}).status().message();
  CHECK(text.find("allowed is auto, ring, recursive_doubling, tree, halving_doubling") !=
        std::string::npos);
  CHECK(check_algorithm("star").message() == text);
  CHECK(check_algorithm("auto").ok());
  CHECK(check_algorithm("two_shot").ok());
}

TEST_CASE("Adasum has its own algorithm, and nothing else has it", "[selector]") {
  WorkShape shape = allreduce_of(1 << 20);
  CHECK(chosen(shape, 4, {.algorithm = "adasum"}).algorithm == Algorithm::ring);
  shape.op = ReduceOp::adasum;
  for (const char* algorithm : {"auto", "ring", "adasum"}) {
    SelectorSettings settings = kShared;
    settings.algorithm = algorithm;
    settings.narrow = WireType::bfloat16;
    CHECK(chosen(shape, 4, settings).algorithm == Algorithm::adasum);
    CHECK(chosen(shape, 4, settings).narrow == WireType::own);
  }
}

// Of all sizes, in the arena and not.
std::set<CombiningOrder> orders_of(WorkShape shape, int rank_count, SelectorSettings settings) {
  std::set<CombiningOrder> orders;
  for (shape.element_count = 1; shape.element_count < 1 << 27; shape.element_count *= 3) {
    for (const bool in_arena : {false, true}) {
      settings.in_arena = in_arena;
      const ScheduleSpec spec = chosen(shape, rank_count, settings);
      CHECK(spec.fixed_order == settings.deterministic);
      orders.insert(combining_order(*find_algorithm(shape.kind, spec.algorithm),
                                    spec.narrow != WireType::own));
    }
  }
  return orders;
}

TEST_CASE("with HVD_DETERMINISTIC all sizes are combined in one order", "[selector]") {
  constexpr std::array<int, 5> hosts = {0, 0, 1, 1, 2};
  constexpr std::array<int, 5> lone = {0, 1, 2, 3, 4};
  using Hosts = std::span<const int>;
  for (const auto kind : {CollectiveKind::allreduce, CollectiveKind::reduce}) {
    for (const Hosts where : {Hosts{}, Hosts{hosts}, Hosts{lone}}) {
      for (const WireType narrow : {WireType::own, WireType::bfloat16}) {
        for (SelectorSettings settings : {SelectorSettings{}, kShared}) {
          settings.host_of_rank = where;
          settings.narrow = narrow;
          settings.deterministic = true;
          WorkShape shape = allreduce_of(1);
          shape.kind = kind;
          const std::set<CombiningOrder> orders = orders_of(shape, 5, settings);
          CHECK(orders.size() == 1);
          CHECK(orders.count(CombiningOrder::any) == 0);
          settings.slot_bytes_express = 0;  // the lanes differ
          CHECK(orders_of(shape, 5, settings).size() == 1);
        }
      }
    }
  }
  CHECK(orders_of(allreduce_of(1), 5, {}).size() > 1);
}

TEST_CASE("with HVD_DETERMINISTIC what was measured decides nothing", "[selector]") {
  SelectorSettings settings = kShared;
  settings.deterministic = true;
  const ScheduleChoice choice = *choose(allreduce_of(1 << 16), 4, settings);
  settings.tuning = {.express_bytes_most = 1 << 20,
                     .chunk_bytes = 4096,
                     .stream_bytes_min = 1,
                     .one_shot_bytes_most_of_two = 1 << 20,
                     .one_shot_bytes_most = 1 << 20,
                     .reducing_root_rank_count_most = 8};
  CHECK(*choose(allreduce_of(1 << 16), 4, settings) == choice);
  settings.deterministic = false;
  CHECK(*choose(allreduce_of(1 << 16), 4, settings) != choice);
}

TEST_CASE("an algorithm without one order is refused beside HVD_DETERMINISTIC", "[selector]") {
  SelectorSettings settings{.algorithm = "ring"};
  settings.deterministic = true;
  const Status status = choose(allreduce_of(2), 4, settings).status();
  CHECK(status.code() == StatusCode::invalid_argument);
  CHECK(status.message().find("HVD_ALGORITHM ring adds up") != std::string::npos);
  settings.algorithm = "halving_doubling";
  CHECK(chosen(allreduce_of(2), 4, settings).algorithm == Algorithm::halving_doubling);
  settings.narrow = WireType::float16;
  CHECK_FALSE(choose(allreduce_of(2), 4, settings).ok());
  settings.algorithm = "tree";
  CHECK(orders_of(allreduce_of(1), 4, settings) == std::set{CombiningOrder::tree});
}

TEST_CASE("a schedule that needs shared memory is refused where there is none", "[selector]") {
  ScheduleParams params;
  params.rank_count = 2;
  params.element_count = 5;
  const Status status = make_schedule(pack_choice({.algorithm = Algorithm::one_shot}),
                                      CollectiveKind::allreduce, DType::float32, params)
                            .status();
  CHECK(status.code() == StatusCode::invalid_argument);
  CHECK(status.message().find("allreduce by one_shot was chosen, but the ranks share no memory") !=
        std::string::npos);
}

std::uint64_t slot_bytes_of(const SelectorSettings& settings, Lane lane) {
  return lane == Lane::express ? settings.slot_bytes_express : settings.slot_bytes_bulk;
}

std::vector<Schedule> schedules_of(const WorkShape& shape, int rank_count,
                                   const SelectorSettings& settings) {
  const Result<ScheduleChoice> choice = choose(shape, rank_count, settings);
  REQUIRE(choice.ok());
  std::vector<Schedule> schedules;
  for (int rank = 0; rank < rank_count; ++rank) {
    ScheduleParams params;
    params.rank = Rank{rank};
    params.rank_count = rank_count;
    params.element_count = shape.element_count;
    params.counts.assign(static_cast<std::size_t>(rank_count), 1000);
    params.send_counts = params.counts;
    params.slot_element_count = slot_bytes_of(settings, unpack_choice(*choice, shape.kind)->lane) /
                                dtype_bytes(shape.dtype);
    params.host_of_rank.assign(settings.host_of_rank.begin(), settings.host_of_rank.end());
    Result<Schedule> schedule = make_schedule(*choice, shape.kind, shape.dtype, params);
    REQUIRE(schedule.ok());
    schedules.push_back(*schedule);
  }
  return schedules;
}

// send and recv are of two ranks: tests/collectives/generators/point_to_point_test.cc.
void verify_all_kinds(SelectorSettings settings) {
  for (int kind = 0; kind <= static_cast<int>(CollectiveKind::scatter); ++kind) {
    for (const DType dtype : {DType::uint8, DType::int64, DType::complex128}) {
      for (const std::size_t count : {0, 1, 5000, 50'000}) {
        for (const char* algorithm : {"auto", "ring", "recursive_doubling", "tree", "pairwise"}) {
          settings.algorithm = algorithm;
          const WorkShape shape{static_cast<CollectiveKind>(kind), dtype, ReduceOp::sum, count};
          const VerifierReport report = verify_schedules(schedules_of(shape, 5, settings), 2);
          INFO(report.status.message());
          CHECK(report.ok());
        }
      }
    }
  }
}

TEST_CASE("whatever is chosen makes schedules that are proven", "[selector]") {
  constexpr std::array<int, 5> hosts = {0, 0, 1, 1, 1};
  SECTION("edges only") { verify_all_kinds({}); }
  SECTION("shared slots") { verify_all_kinds(kShared); }
  SECTION("hardly any slots") {
    verify_all_kinds({.slot_bytes_express = 160, .slot_bytes_bulk = 32 << 10});
  }
  SECTION("several hosts") {
    SelectorSettings settings = kShared;
    settings.host_of_rank = hosts;
    verify_all_kinds(settings);
  }
}

}  // namespace
}  // namespace hvd
