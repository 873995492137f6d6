#include "collectives/kernels/reduce_many.h"

#include <array>
#include <cstring>
#include <vector>

#include "collectives/kernels/reduce.h"
#include "collectives/kernels/scale.h"
#include "tests/catch.h"
#include "tests/collectives/kernels/every_set.h"
#include "tests/collectives/kernels/naive_reduction.h"

namespace hvd {
namespace {

struct Sources {
  Sources(DType dtype, std::size_t count, std::size_t source_count, Random& random)
      : values(mixed_values(dtype, count * source_count, random)) {
    for (std::size_t s = 0; s < source_count; ++s) {
      pointers.push_back(values.data() + s * count * dtype_bytes(dtype));
    }
  }
  std::vector<std::byte> values;
  std::vector<const std::byte*> pointers;
};

TEST_CASE("of two sources reduce_many() makes what reduce() makes", "[reduce_many]") {
  Random random(31);
  for_each_reduction([&](DType dtype, ReduceOp op) {
    const Sources sources(dtype, 200, 2, random);
    std::vector<std::byte> many(200 * dtype_bytes(dtype));
    std::vector<std::byte> two(many.size());
    reduce_many(many.data(), nullptr, sources.pointers, 200, dtype, op);
    reduce(two.data(), sources.pointers[0], sources.pointers[1], 200, dtype, op);
    REQUIRE(difference(many, two, dtype, op) == "");
  });
}

TEST_CASE("a postscale on the way gives the bits of scale() afterwards, in both destinations",
          "[reduce_many]") {
  Random random(32);
  for_each_reduction([&](DType dtype, ReduceOp op) {
    // More than one block of 4 KiB.
    const std::size_t count = 9000 / dtype_bytes(dtype);
    const Sources sources(dtype, count, 3, random);
    const std::size_t bytes = count * dtype_bytes(dtype);
    for (const double factor : {1.0 / 3, 0.3, 2.5, -1.0, 0.0}) {
      std::vector<std::byte> expected(bytes);
      naive_reduce(expected.data(), sources.pointers, count, dtype, op);
      scale(expected.data(), expected.data(), factor, count, dtype);
      for (const KernelTable* table : every_set()) {
        for (const bool stream : {false, true}) {
          std::vector<std::byte> first(bytes);
          std::vector<std::byte> second(bytes);
          reduce_many(*table, first.data(), second.data(), sources.pointers, count, dtype, op,
                      {.stream_dst2 = stream, .postscale = factor});
          REQUIRE(difference(first, expected, dtype, op) == "");
          REQUIRE(difference(second, expected, dtype, op) == "");
        }
      }
    }
  });
}

TEST_CASE("a scaled reduction may be written over any of its sources", "[reduce_many]") {
  Random random(33);
  for_each_reduction([&](DType dtype, ReduceOp op) {
    const std::size_t count = 9000 / dtype_bytes(dtype);
    for (std::size_t over = 0; over < 3; ++over) {
      Sources sources(dtype, count, 3, random);
      std::vector<std::byte> expected(count * dtype_bytes(dtype));
      reduce_many(expected.data(), nullptr, sources.pointers, count, dtype, op, {.postscale = 0.5});
      std::byte* dst = sources.values.data() + over * expected.size();
      reduce_many(dst, nullptr, sources.pointers, count, dtype, op, {.postscale = 0.5});
      REQUIRE(difference({dst, expected.size()}, expected, dtype, op) == "");
    }
  });
}

TEST_CASE("narrow floats stay fp32 between sources", "[reduce_many]") {
  // 1 + 2^-11 twice is 1 + 2^-10 in fp32; with a rounding in between it would stay 1.
  const std::array<std::uint16_t, 3> values = {0x3c00, 0x1000, 0x1000};
  std::array<const std::byte*, 3> sources{};
  for (std::size_t s = 0; s < 3; ++s) {
    sources[s] = reinterpret_cast<const std::byte*>(&values[s]);
  }
  std::uint16_t sum = 0;
  reduce_many(reinterpret_cast<std::byte*>(&sum), nullptr, sources, 1, DType::float16,
              ReduceOp::sum);
  CHECK(sum == 0x3c01);
}

TEST_CASE("of one source the values are copied, any NaN as the one NaN", "[reduce_many]") {
  const std::array<std::uint32_t, 3> values = {0x3f800000, 0xffc12345, 0x80000000};
  const std::array<const std::byte*, 1> sources = {
      reinterpret_cast<const std::byte*>(values.data())};
  std::array<std::uint32_t, 3> result{};
  reduce_many(reinterpret_cast<std::byte*>(result.data()), nullptr, sources, 3, DType::float32,
              ReduceOp::product);
  CHECK(result == std::array<std::uint32_t, 3>{0x3f800000, 0x7fc00000, 0x80000000});
}

TEST_CASE("both destinations may be sources, as tensors of two ranks in place are",
          "[reduce_many]") {
  for (const std::size_t count : {1, 15, 64, 777, 5'000}) {
    std::vector<float> mine(count);
    std::vector<float> theirs(count);
    for (std::size_t i = 0; i < count; ++i) {
      mine[i] = static_cast<float>(i);
      theirs[i] = static_cast<float>(2 * i + 1);
    }
    const std::vector<const std::byte*> sources = {reinterpret_cast<std::byte*>(mine.data()),
                                                   reinterpret_cast<std::byte*>(theirs.data())};
    reduce_many(reinterpret_cast<std::byte*>(mine.data()),
                reinterpret_cast<std::byte*>(theirs.data()), sources, count, DType::float32,
                ReduceOp::sum);
    for (std::size_t i = 0; i < count; ++i) {
      REQUIRE(mine[i] == static_cast<float>(3 * i + 1));
    }
    REQUIRE(theirs == mine);
  }
}

}  // namespace
}  // namespace hvd
