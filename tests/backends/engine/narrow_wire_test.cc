// Chunks that travel in a narrower type, through the planes of ranks of different hosts.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <numeric>
#include <span>
#include <vector>

#include "backends/engine/item_memory.h"
#include "backends/engine/native_data_plane.h"
#include "collectives/kernels/cast.h"
#include "collectives/kernels/reduce.h"
#include "collectives/kernels/scale.h"
#include "tests/backends/engine/engine_world.h"

namespace hvd {
namespace {

struct Wire {
  const char* name;
  double unit;  // of relative rounding
};
constexpr Wire kBf16{"bf16", 0x1p-8};
constexpr Wire kFp16{"fp16", 0x1p-11};

std::vector<int> hosts_apart(int rank_count) {
  std::vector<int> hosts(static_cast<std::size_t>(rank_count));
  std::iota(hosts.begin(), hosts.end(), 0);
  return hosts;
}

bool same_bytes(const std::vector<float>& a, const std::vector<float>& b) {
  return std::ranges::equal(std::as_bytes(std::span(a)), std::as_bytes(std::span(b)));
}

struct Outcome {
  std::vector<float> result;  // of rank 0
  bool equal = true;          // bit by bit, on all ranks
  double exact_max = 0;       // largest difference from the sum or average in float64
  double bound = 0;           // of it
};

// An allreduce of `count` values in [1, 2), so that nothing cancels.
Outcome allreduce(const Wire& wire, const char* algorithm, int rank_count, ReduceOp op,
                  std::size_t count) {
  Config config = EngineWorld::forced(algorithm);
  config.wire_dtype = wire.name;
  EngineWorld world(rank_count, config, LoopbackWorld::kGeometry, hosts_apart(rank_count));
  Random random(7);
  std::vector<RankTensors> ranks(static_cast<std::size_t>(rank_count));
  std::vector<double> sums(count);
  const WorkItem item = world.item_of({.kind = CollectiveKind::allreduce,
                                       .dtype = DType::float32,
                                       .op = ReduceOp::sum,  // as an average is run
                                       .element_count = count});
  for (std::size_t rank = 0; rank < ranks.size(); ++rank) {
    ranks[rank].add(DType::float32, count, rank % 2 == 1);
    std::vector<std::byte>& input = ranks[rank].tensors().front().input;
    for (std::size_t i = 0; i < count; ++i) {
      const auto value = 1 + static_cast<float>(random.below(1U << 23)) * 0x1p-23F;
      std::memcpy(input.data() + i * sizeof(value), &value, sizeof(value));
      sums[i] += value;
    }
    WorkItem own = item;
    own.segments = ranks[rank].segments();
    own.postscale = op == ReduceOp::average ? 1.0 / rank_count : 1.0;
    world.planes[rank]->start(std::move(own));
  }
  REQUIRE(world.run(random));
  Outcome outcome;
  const std::vector<std::byte> first = ranks.front().outputs();
  outcome.result.resize(count);
  std::memcpy(outcome.result.data(), first.data(), first.size());
  for (RankTensors& rank : ranks) {
    outcome.equal = outcome.equal && rank.outputs() == first;
  }
  const double divisor = op == ReduceOp::average ? rank_count : 1;
  // Each value is rounded on each of its at most p + 1 ways.
  outcome.bound = (rank_count + 1) * wire.unit * 2 * rank_count / divisor;
  for (std::size_t i = 0; i < count; ++i) {
    outcome.exact_max =
        std::max(outcome.exact_max, std::abs(outcome.result[i] - sums[i] / divisor));
  }
  return outcome;
}

TEST_CASE("sums that travel narrow are equal on all ranks, near the exact ones, and rounded",
          "[engine]") {
  const Wire wire = GENERATE(kBf16, kFp16);
  for (const int rank_count : {2, 3, 4}) {
    for (const char* algorithm : {"auto", "ring", "recursive_doubling", "tree"}) {
      for (const ReduceOp op : {ReduceOp::sum, ReduceOp::average}) {
        for (const std::size_t count : {1, 333, 20'011}) {
          INFO(wire.name << " " << algorithm << " p " << rank_count << " n " << count);
          const Outcome outcome = allreduce(wire, algorithm, rank_count, op, count);
          CHECK(outcome.equal);
          CHECK(outcome.exact_max <= outcome.bound);
          CHECK((count == 1 || outcome.exact_max > wire.unit / 8));
        }
      }
    }
  }
}

TEST_CASE("nothing is rounded where the setting is none, or all ranks are on one host",
          "[engine]") {
  const Outcome outcome = allreduce({"none", 0x1p-23}, "ring", 3, ReduceOp::sum, 333);
  CHECK(outcome.equal);
  CHECK(outcome.exact_max <= outcome.bound);
  Config config = EngineWorld::forced("ring");
  config.wire_dtype = "bf16";
  EngineWorld one_host(2, config, LoopbackWorld::kGeometry, {0, 0});
  const WorkShape shape{.kind = CollectiveKind::allreduce,
                        .dtype = DType::float32,
                        .op = ReduceOp::sum,
                        .element_count = 1000};
  const auto narrow_of = [&](EngineWorld& world) {
    return unpack_choice(world.planes.front()->choose(shape), shape.kind).value().narrow;
  };
  CHECK(narrow_of(one_host) == WireType::own);
  EngineWorld two_hosts(2, config, LoopbackWorld::kGeometry, {0, 1});
  CHECK(narrow_of(two_hosts) == WireType::bfloat16);
}

// Random bits: zeros of both signs, infinities and NaN are among them.
std::vector<float> random_floats(Random& random, std::size_t count) {
  std::vector<float> values(count);
  for (float& value : values) {
    const auto bits = static_cast<std::uint32_t>(random.below(std::uint64_t{1} << 32));
    value = random.below(4) == 0 ? (bits & 1 ? -0.0F : 0.0F) : std::bit_cast<float>(bits);
  }
  return values;
}

std::byte* bytes_of(std::vector<float>& values) {
  return reinterpret_cast<std::byte*>(values.data());
}

TEST_CASE("a narrow chunk is combined as if it had come wide, in the order of the op, over pieces",
          "[engine]") {
  constexpr std::size_t count = 5'003;
  constexpr std::size_t first_piece = 1'999;
  constexpr WireCast cast{.wide = DType::float32, .wire = DType::bfloat16};
  Random random(3);
  std::vector<float> input = random_floats(random, count);
  std::vector<float> output(count);
  std::vector<float> sent = random_floats(random, count);
  WorkItem item;
  item.kind = CollectiveKind::allreduce;
  item.dtype = DType::float32;
  item.op = GENERATE(ReduceOp::sum, ReduceOp::max);
  item.postscale = 0.5;
  item.segments = {{bytes_of(input), bytes_of(output), first_piece},
                   {bytes_of(input) + first_piece * sizeof(float),
                    bytes_of(output) + first_piece * sizeof(float), count - first_piece}};
  Schedule schedule;
  schedule.rank_count = 2;
  ItemMemory memory;
  REQUIRE(memory.bind(item, schedule, cast.wire).ok());
  CHECK(memory.chunk_bytes(count, kNarrow) == count * 2);
  CHECK(memory.chunk_bytes(count, 0) == count * 4);
  std::vector<std::byte> chunk(count * 2);
  memory.to_chunk(chunk.data(), PieceCursor(bytes_of(sent), sizeof(float)), count, kNarrow);
  std::vector<float> wide(count);
  narrow_round(bytes_of(wide), bytes_of(sent), count, cast);
  const bool reverse = GENERATE(false, true);
  const unsigned flags = kNarrow | kScalePost | (reverse ? unsigned{kReverseOperands} : 0U);
  memory.combine_chunk(memory.at(BufferKind::output, 0, count),
                       memory.at(BufferKind::input, 0, count), chunk.data(), count, flags);
  std::vector<float> expected(count);
  std::byte* local = bytes_of(input);
  reduce(bytes_of(expected), reverse ? bytes_of(wide) : local, reverse ? local : bytes_of(wide),
         count, item.dtype, item.op);
  scale(bytes_of(expected), bytes_of(expected), 0.5, count, item.dtype);
  CHECK(same_bytes(output, expected));
  memory.from_chunk(memory.at(BufferKind::output, 0, count), chunk.data(), count, kNarrow);
  CHECK(same_bytes(output, wide));
}

}  // namespace
}  // namespace hvd
