// Adasum through the planes of all ranks, beside its formula in float64.
#include <cstring>
#include <vector>

#include "tests/backends/engine/engine_world.h"
#include "tests/backends/engine/typed_values.h"
#include "tests/collectives/adasum_reference.h"

namespace hvd {
namespace {

struct Case {
  int rank_count;
  DType dtype;
  std::size_t count;
  bool in_place = false;
  double prescale = 1.0;
  double postscale = 1.0;
};

std::vector<double> values_of(const std::vector<std::byte>& bytes, DType dtype) {
  std::vector<double> values;
  for (std::size_t at = 0; at < bytes.size(); at += dtype_bytes(dtype)) {
    values.push_back(load_value(dtype, bytes.data() + at));
  }
  return values;
}

// The outputs of all ranks for these inputs.
std::vector<std::vector<std::byte>> run(const Case& one, std::vector<RankTensors>& ranks,
                                        Random& random) {
  EngineWorld world(one.rank_count);
  WorkItem item = world.item_of({.kind = CollectiveKind::allreduce,
                                 .dtype = one.dtype,
                                 .op = ReduceOp::adasum,
                                 .element_count = one.count});
  item.prescale = one.prescale;
  item.postscale = one.postscale;
  for (std::size_t rank = 0; rank < ranks.size(); ++rank) {
    WorkItem own = item;
    own.segments = ranks[rank].segments();
    world.planes[rank]->start(std::move(own));
  }
  REQUIRE(world.run(random));
  REQUIRE(world.all_completed_ok(1));
  std::vector<std::vector<std::byte>> outputs;
  outputs.reserve(ranks.size());
  for (RankTensors& rank : ranks) {
    outputs.push_back(rank.outputs());
  }
  return outputs;
}

void require_right(const Case& one, Random& random) {
  std::vector<RankTensors> ranks(static_cast<std::size_t>(one.rank_count));
  std::vector<std::vector<double>> vectors;
  for (RankTensors& rank : ranks) {
    rank.add(one.dtype, one.count, one.in_place);
    std::vector<std::byte>& input = rank.tensors().front().input;
    for (std::size_t at = 0; at < input.size(); at += dtype_bytes(one.dtype)) {
      // Of both signs, but never nearly the opposite of another rank's.
      store_value(one.dtype, input.data() + at, random.unit() * 3 - 1);
    }
    vectors.push_back(values_of(input, one.dtype));
    for (double& value : vectors.back()) {
      value *= one.prescale;
    }
  }
  const auto outputs = run(one, ranks, random);
  const std::vector<double> expected = adasum_reference(vectors);
  const std::vector<double> found = values_of(outputs.front(), one.dtype);
  REQUIRE(found.size() == one.count);
  for (const std::vector<std::byte>& output : outputs) {
    REQUIRE(output == outputs.front());
  }
  for (std::size_t i = 0; i < one.count; ++i) {
    INFO("p " << one.rank_count << " " << dtype_name(one.dtype) << " n " << one.count << " element "
              << i << ": " << found[i] << ", expected " << expected[i] * one.postscale);
    REQUIRE(std::abs(found[i] - expected[i] * one.postscale) <=
            precision(one.dtype) * 32 * one.rank_count);
  }
}

TEST_CASE("Adasum is its formula's result, with equal bits on all ranks", "[engine]") {
  Random random(61);
  for (int rank_count = 1; rank_count <= 8; ++rank_count) {
    for (const DType dtype : {DType::float16, DType::bfloat16, DType::float32, DType::float64}) {
      // Nothing; several chunks of 4 KiB in each half; more than the slices of a long op.
      for (const std::size_t count : {std::size_t{0}, std::size_t{333}, std::size_t{9'001}}) {
        require_right({rank_count, dtype, count, rank_count % 2 == 0, 1.5, 0.25}, random);
      }
    }
    require_right({rank_count, DType::float32, 100'003, rank_count % 2 == 1}, random);
  }
}

std::vector<double> adasum_of(const std::vector<std::vector<double>>& vectors) {
  Random random(62);
  std::vector<RankTensors> ranks(vectors.size());
  for (std::size_t rank = 0; rank < vectors.size(); ++rank) {
    ranks[rank].add(DType::float64, vectors[rank].size(), false);
    std::memcpy(ranks[rank].tensors().front().input.data(), vectors[rank].data(),
                vectors[rank].size() * sizeof(double));
  }
  const Case one{static_cast<int>(vectors.size()), DType::float64, vectors.front().size()};
  return values_of(run(one, ranks, random).front(), DType::float64);
}

TEST_CASE("Adasum adds what is orthogonal, averages what is parallel, and takes zeros for nothing",
          "[engine]") {
  using Vector = std::vector<double>;
  CHECK(adasum_of({{3, 0, 0, 0}, {0, 5, 0, 0}, {0, 0, 7, 0}, {0, 0, 0, 9}}) == Vector{3, 5, 7, 9});
  CHECK(adasum_of({{2, 4, 6}, {2, 4, 6}, {2, 4, 6}, {2, 4, 6}}) == Vector{2, 4, 6});
  CHECK(adasum_of({{2, 4, 6}, {4, 8, 12}}) == Vector{3, 6, 9});
  CHECK(adasum_of({{0, 0, 0}, {1, 2, 3}, {0, 0, 0}}) == Vector{1, 2, 3});
  CHECK(adasum_of({{0, 0, 0}, {0, 0, 0}}) == Vector{0, 0, 0});
  CHECK(adasum_of({{5, -1}}) == Vector{5, -1});
}

TEST_CASE("what is not Adasum is not run as it, whatever the root chose", "[engine]") {
  EngineWorld world(2);
  const WorkShape shape{.kind = CollectiveKind::allreduce,
                        .dtype = DType::float32,
                        .op = ReduceOp::adasum,
                        .element_count = 3};
  for (const ReduceOp op : {ReduceOp::sum, ReduceOp::adasum}) {
    WorkShape other = shape;
    other.op = op == ReduceOp::sum ? ReduceOp::adasum : ReduceOp::sum;
    WorkItem item = world.item_of(other);
    item.op = op;
    RankTensors tensors;
    tensors.add(DType::float32, 3, false);
    item.segments = tensors.segments();
    EngineWorld fresh(2);
    fresh.planes[0]->start(std::move(item));
    Random random(1);
    fresh.planes[0]->progress();
    const std::vector<WorkCompletion> done = fresh.completions(Rank{0});
    REQUIRE(done.size() == 1);
    CHECK(done.front().status.code() == StatusCode::invalid_argument);
    CHECK(done.front().status.message().find("does not do") != std::string::npos);
  }
}

}  // namespace
}  // namespace hvd
