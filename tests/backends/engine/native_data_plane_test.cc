#include "backends/engine/native_data_plane.h"

#include <array>
#include <utility>

#include "tests/backends/engine/engine_world.h"
#include "tests/backends/engine/typed_values.h"

namespace hvd {
namespace {

constexpr std::array kDTypes = {DType::float32,  DType::float64, DType::float16,
                                DType::bfloat16, DType::int32,   DType::int64,
                                DType::int8,     DType::uint8,   DType::boolean};
constexpr std::array kOps = {ReduceOp::sum, ReduceOp::min, ReduceOp::max, ReduceOp::product};

void fill(DType dtype, std::vector<std::byte>& memory, Random& random) {
  const std::size_t step = dtype_bytes(dtype);
  for (std::size_t at = 0; at < memory.size(); at += step) {
    store_value(dtype, memory.data() + at, random_value(dtype, random));
  }
}

enum class Places { in_place, out_of_place, mixed };

// One allreduce over tensors of `sizes`; empty if all is right, else what is wrong first.
std::string try_allreduce(EngineWorld& world, DType dtype, ReduceOp op,
                          const std::vector<std::size_t>& sizes, Places places, Random& random,
                          double prescale = 1.0, double postscale = 1.0) {
  WorkShape shape{.kind = CollectiveKind::allreduce, .dtype = dtype, .op = op};
  for (const std::size_t size : sizes) {
    shape.element_count += size;
  }
  WorkItem item = world.item_of(shape);
  item.prescale = prescale;
  item.postscale = postscale;
  std::vector<RankTensors> ranks(static_cast<std::size_t>(world.rank_count()));
  std::vector<std::vector<std::byte>> inputs;
  for (std::size_t rank = 0; rank < ranks.size(); ++rank) {
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      // Ranks need not agree on where they are in place.
      ranks[rank].add(dtype, sizes[i],
                      places == Places::mixed ? random.below(2) == 0 : places == Places::in_place);
      fill(dtype, ranks[rank].tensors().back().input, random);
    }
    inputs.push_back(ranks[rank].inputs());
    WorkItem mine = item;
    mine.segments = ranks[rank].segments();
    world.planes[rank]->start(std::move(mine));
  }
  if (!world.run(random)) {
    return "all ranks stand still";
  }
  if (!world.all_completed_ok(1)) {
    return "an item did not complete";
  }
  const std::vector<std::byte> result = ranks.front().outputs();
  for (std::size_t rank = 1; rank < ranks.size(); ++rank) {
    if (ranks[rank].outputs() != result) {
      return str("rank ", rank, " has other bits than rank 0");
    }
  }
  for (std::size_t rank = 0; rank < ranks.size() && places == Places::out_of_place; ++rank) {
    if (ranks[rank].inputs() != inputs[rank]) {
      return str("the input of rank ", rank, " was written");
    }
  }
  const std::size_t step = dtype_bytes(dtype);
  std::vector<double> values(ranks.size());
  for (std::size_t at = 0; at < result.size(); at += step) {
    for (std::size_t rank = 0; rank < ranks.size(); ++rank) {
      values[rank] = load_value(dtype, inputs[rank].data() + at) * prescale;
    }
    Expected expected = expected_of(dtype, op, values);
    expected.value *= postscale;
    expected.error_max =
        (expected.error_max + (prescale * postscale != 1.0 ? 4 : 0) * precision(dtype) *
                                  std::abs(expected.value / postscale)) *
        postscale;
    if (!is_floating(dtype)) {
      // As the type wraps and truncates.
      std::array<std::byte, 8> wrapped{};
      store_as(wrapped.data(), static_cast<std::int64_t>(expected.value));
      expected.value = load_value(dtype, wrapped.data());
    }
    const double found = load_value(dtype, result.data() + at);
    if (!(std::abs(found - expected.value) <= expected.error_max)) {
      return str("element ", at / step, " is ", found, ", expected ", expected.value, " within ",
                 expected.error_max);
    }
  }
  return "";
}

TEST_CASE("an allreduce of any type and operation is right and bitwise equal on all ranks",
          "[engine]") {
  Random random(41);
  for (int rank_count = 1; rank_count <= 8; ++rank_count) {
    for (const char* algorithm : {"auto", "ring", "recursive_doubling", "tree"}) {
      EngineWorld world(rank_count, EngineWorld::forced(algorithm));
      for (const DType dtype : kDTypes) {
        for (const ReduceOp op : kOps) {
          if (!reduce_supported(op, dtype)) {
            continue;
          }
          // Nothing, one element, fewer than ranks, an odd number, several chunks of 4 KiB.
          for (const std::size_t size : {0, 1, 3, 333, 2'777}) {
            INFO("p " << rank_count << " " << algorithm << " " << reduce_op_name(op) << " of "
                      << size << " " << dtype_name(dtype));
            REQUIRE(try_allreduce(world, dtype, op, {size}, Places::out_of_place, random) == "");
          }
        }
      }
    }
  }
}

TEST_CASE("an allreduce over many tensors is the same in place, out of place and mixed",
          "[engine]") {
  Random random(42);
  for (const int rank_count : {1, 2, 3, 4, 5, 8}) {
    for (const char* algorithm : {"ring", "recursive_doubling", "tree"}) {
      EngineWorld world(rank_count, EngineWorld::forced(algorithm));
      for (const Places places : {Places::in_place, Places::out_of_place, Places::mixed}) {
        for (int round = 0; round < 4; ++round) {
          std::vector<std::size_t> sizes(1 + random.below(12));
          for (std::size_t& size : sizes) {
            size = random.below(4) == 0 ? 0 : random.below(900);
          }
          INFO("p " << rank_count << " " << algorithm << " places " << static_cast<int>(places));
          REQUIRE(try_allreduce(world, DType::float32, ReduceOp::sum, sizes, places, random) == "");
          REQUIRE(try_allreduce(world, DType::float16, ReduceOp::sum, sizes, places, random, 0.5,
                                1.0 / rank_count) == "");
          REQUIRE(try_allreduce(world, DType::float64, ReduceOp::sum, sizes, places, random, 1.0,
                                1.0 / 3) == "");
          REQUIRE(try_allreduce(world, DType::int32, ReduceOp::sum, sizes, places, random, 3.0) ==
                  "");
        }
      }
    }
  }
}

TEST_CASE("an average of integers divides the sum and truncates it", "[engine]") {
  Random random(43);
  for (const int rank_count : {1, 2, 3, 7}) {
    EngineWorld world(rank_count);
    REQUIRE(try_allreduce(world, DType::int64, ReduceOp::sum, {100, 1'000}, Places::out_of_place,
                          random, 1.0, 1.0 / rank_count) == "");
  }
}

TEST_CASE("an allgather of unequal parts puts them behind one another on every rank", "[engine]") {
  Random random(44);
  for (int rank_count = 1; rank_count <= 8; ++rank_count) {
    EngineWorld world(rank_count);
    for (const DType dtype : {DType::float32, DType::int16, DType::uint8}) {
      for (int round = 0; round < 6; ++round) {
        std::vector<std::size_t> counts(static_cast<std::size_t>(rank_count));
        std::size_t total = 0;
        for (std::size_t& count : counts) {
          count = random.below(3) == 0 ? 0 : random.below(round < 3 ? 20 : 5'000);
          total += count;
        }
        WorkItem item = world.item_of(
            {.kind = CollectiveKind::allgather, .dtype = dtype, .element_count = total});
        item.counts = counts;
        std::vector<std::vector<std::byte>> inputs;
        std::vector<std::vector<std::byte>> outputs;
        std::vector<std::byte> expected;
        for (const std::size_t count : counts) {
          inputs.emplace_back(count * dtype_bytes(dtype));
          fill(dtype, inputs.back(), random);
          outputs.emplace_back(total * dtype_bytes(dtype));
          expected.insert(expected.end(), inputs.back().begin(), inputs.back().end());
        }
        for (std::size_t rank = 0; rank < counts.size(); ++rank) {
          WorkItem mine = item;
          mine.segments = {{inputs[rank].data(), outputs[rank].data(), counts[rank]}};
          world.planes[rank]->start(std::move(mine));
        }
        REQUIRE(world.run(random));
        REQUIRE(world.all_completed_ok(1));
        for (const std::vector<std::byte>& output : outputs) {
          REQUIRE(output == expected);
        }
      }
    }
  }
}

TEST_CASE("a broadcast from any root gives its tensors to every rank", "[engine]") {
  Random random(45);
  for (int rank_count = 1; rank_count <= 8; ++rank_count) {
    EngineWorld world(rank_count);
    for (int root = 0; root < rank_count; ++root) {
      for (const bool in_place : {true, false}) {
        const std::vector<std::size_t> sizes = {0, 7, 3'000, 1, 0, 2'100};
        WorkItem item = world.item_of(
            {.kind = CollectiveKind::broadcast, .dtype = DType::float32, .element_count = 5'108});
        item.root = Rank{root};
        std::vector<RankTensors> ranks(static_cast<std::size_t>(rank_count));
        for (std::size_t rank = 0; rank < ranks.size(); ++rank) {
          for (const std::size_t size : sizes) {
            ranks[rank].add(DType::float32, size, in_place);
            fill(DType::float32, ranks[rank].tensors().back().input, random);
          }
        }
        const std::vector<std::byte> expected = ranks[static_cast<std::size_t>(root)].inputs();
        for (std::size_t rank = 0; rank < ranks.size(); ++rank) {
          WorkItem mine = item;
          mine.segments = ranks[rank].segments();
          world.planes[rank]->start(std::move(mine));
        }
        REQUIRE(world.run(random));
        REQUIRE(world.all_completed_ok(1));
        for (RankTensors& rank : ranks) {
          REQUIRE(rank.outputs() == expected);
        }
      }
    }
  }
}

TEST_CASE("no rank leaves a barrier before every rank has come", "[engine]") {
  Random random(46);
  for (int rank_count = 2; rank_count <= 8; ++rank_count) {
    EngineWorld world(rank_count);
    const auto late =
        static_cast<std::size_t>(random.below(static_cast<std::uint64_t>(rank_count)));
    const WorkItem item = world.item_of({.kind = CollectiveKind::barrier});
    for (std::size_t rank = 0; rank < world.planes.size(); ++rank) {
      if (rank != late) {
        world.planes[rank]->start(item);
      }
    }
    CHECK_FALSE(world.run(random));
    for (std::size_t rank = 0; rank < world.planes.size(); ++rank) {
      CHECK(world.planes[rank]->busy() == (rank != late));
    }
    world.planes[late]->start(item);
    CHECK(world.run(random));
    CHECK(world.all_completed_ok(1));
  }
}

TEST_CASE("items run in the order in which they were started, with ranks in different items",
          "[engine]") {
  Random random(47);
  constexpr std::size_t kItemCount = 30;
  for (const int rank_count : {2, 3, 5}) {
    EngineWorld world(rank_count);
    std::vector<std::vector<float>> values(static_cast<std::size_t>(rank_count) * kItemCount);
    for (std::size_t i = 0; i < kItemCount; ++i) {
      const std::size_t size = random.below(5'000);
      WorkItem item = world.item_of(
          {.kind = CollectiveKind::allreduce, .dtype = DType::float32, .element_count = size});
      for (std::size_t rank = 0; rank < world.planes.size(); ++rank) {
        std::vector<float>& value = values[i * world.planes.size() + rank];
        value.assign(size, static_cast<float>(i + rank));
        WorkItem mine = item;
        auto* bytes = reinterpret_cast<std::byte*>(value.data());
        mine.segments = {{bytes, bytes, size}};
        world.planes[rank]->start(std::move(mine));
      }
    }
    REQUIRE(world.run(random));
    for (int rank = 0; rank < rank_count; ++rank) {
      const std::vector<WorkCompletion> done = world.completions(Rank{rank});
      REQUIRE(done.size() == kItemCount);
      for (std::size_t i = 0; i < kItemCount; ++i) {
        CHECK(done[i].work_id == i);
        CHECK(done[i].status.ok());
      }
    }
    for (std::size_t i = 0; i < kItemCount; ++i) {
      float expected = 0;
      for (int rank = 0; rank < rank_count; ++rank) {
        expected += static_cast<float>(i) + static_cast<float>(rank);
      }
      for (std::size_t rank = 0; rank < world.planes.size(); ++rank) {
        const std::vector<float>& value = values[i * world.planes.size() + rank];
        REQUIRE(value == std::vector<float>(value.size(), expected));
      }
    }
  }
}

TEST_CASE("an allreduce works with one slot an edge", "[engine]") {
  Random random(48);
  for (const int rank_count : {2, 3, 5}) {
    for (const char* algorithm : {"ring", "recursive_doubling", "tree"}) {
      EngineWorld world(rank_count, EngineWorld::forced(algorithm),
                        {.slot_bytes = 4096, .slot_count = 1});
      INFO("p " << rank_count << " " << algorithm);
      CHECK(try_allreduce(world, DType::float32, ReduceOp::sum, {10'000}, Places::out_of_place,
                          random) == "");
    }
  }
}

TEST_CASE("a setting of HVD_CHUNK_BYTES cuts the vector into such chunks", "[engine]") {
  Random random(49);
  Config config = EngineWorld::default_config();
  config.chunk_bytes = 64;
  EngineWorld world(3, config);
  CHECK(try_allreduce(world, DType::float64, ReduceOp::sum, {1'000}, Places::in_place, random) ==
        "");
}

TEST_CASE("the root chooses by what the job agreed on, or the defaults", "[engine]") {
  EngineWorld world(4, EngineWorld::default_config(), LoopbackWorld::kGeometry, {0, 1, 2, 3});
  NativeDataPlane& root = *world.planes[0];
  const WorkShape shape{
      .kind = CollectiveKind::reduce_scatter, .dtype = DType::float32, .element_count = 1024};
  const auto algorithm = [&] { return unpack_choice(root.choose(shape), shape.kind)->algorithm; };
  CHECK(algorithm() == Algorithm::pairwise);
  Tuning tuning;
  tuning.cost.latency_seconds = 1e-6;
  tuning.cost.overhead_seconds = 50e-6;  // three messages cost more than two rounds
  root.tune(tuning);
  CHECK(algorithm() == Algorithm::circulant);
}

TEST_CASE("an HVD_ALGORITHM that is none is refused when the plane is made", "[engine]") {
  SteadyClock clock;
  LoopbackWorld world(2, clock);
  const auto transport = world.make_transport(Rank{0});
  Config config;
  config.algorithm = "bogus";
  const auto plane = NativeDataPlane::create(Rank{0}, 2, config, *transport);
  REQUIRE_FALSE(plane.ok());
  CHECK(plane.status().code() == StatusCode::invalid_argument);
  CHECK(plane.status().message().find("HVD_ALGORITHM") != std::string::npos);
}

TEST_CASE("accepts() refuses reductions that the kernels do not have", "[engine]") {
  EngineWorld world(2);
  Request request;
  request.kind = CollectiveKind::allreduce;
  request.input.dtype = DType::boolean;
  request.op = ReduceOp::average;
  CHECK(world.planes[0]->accepts(request).code() == StatusCode::unsupported);
  request.op = ReduceOp::adasum;
  CHECK(world.planes[0]->accepts(request).code() == StatusCode::unsupported);
  request.op = ReduceOp::max;
  CHECK(world.planes[0]->accepts(request).ok());
  request.input.dtype = DType::float16;
  request.op = ReduceOp::adasum;
  CHECK(world.planes[0]->accepts(request).ok());
}

TEST_CASE("a plane tries both ways of storing into slots, and no result changes", "[engine]") {
  constexpr std::size_t kSize = 100'000;  // long enough to be tuned
  EngineWorld world(2, EngineWorld::forced("two_shot"), {.slot_bytes = 65536, .slot_count = 4});
  Random random(11);
  std::array<std::vector<float>, 2> values;
  for (int round = 0; round < 8; ++round) {
    for (std::size_t rank = 0; rank < 2; ++rank) {
      values[rank].assign(kSize, static_cast<float>(rank) + 1.5F);
    }
    WorkItem item = world.item_of(
        {.kind = CollectiveKind::allreduce, .dtype = DType::float32, .element_count = kSize});
    for (std::size_t rank = 0; rank < 2; ++rank) {
      auto* bytes = reinterpret_cast<std::byte*>(values[rank].data());
      item.segments = {{bytes, bytes, kSize}};
      world.planes[rank]->start(WorkItem(item));
    }
    REQUIRE(world.run(random));
    for (std::size_t rank = 0; rank < 2; ++rank) {
      CHECK(world.completions(Rank(static_cast<int>(rank))).size() == 1);
      CHECK(values[rank] == std::vector<float>(kSize, 4.0F));
    }
  }
}

}  // namespace
}  // namespace hvd
