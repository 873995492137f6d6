#define HVD_KERNELS kernels_under_test
#include "collectives/kernels/vectors.h"

#include <array>
#include <cmath>

#include "tests/catch.h"

namespace hvd {
namespace {

using namespace kernels_under_test;

TEST_CASE("vectors are read and written at any address", "[vectors]") {
  using Four = Vector<std::int32_t, 4>;
  std::array<std::byte, 40> memory{};
  store(memory.data() + 3, Four{1, -2, 3, -4});
  const Four back = load<Four>(memory.data() + 3);
  CHECK(back[1] == -2);
  CHECK(back[3] == -4);
  CHECK(memory[2] == std::byte{0});
  CHECK(memory[3] == std::byte{1});
  CHECK(memory[19] == std::byte{0});
}

TEST_CASE("all lanes of a spread value are that value", "[vectors]") {
  const auto lanes = spread<Vector<float, 4>>(2.5F);
  CHECK(lanes[0] == 2.5F);
  CHECK(lanes[3] == 2.5F);
  CHECK(std::signbit(spread<Vector<double, 2>>(-0.0)[1]));
}

TEST_CASE("a streamed vector is seen after finish_streams()", "[vectors]") {
  alignas(64) std::array<std::byte, 32> memory{};
  std::array<std::byte, 16> source{};
  source.fill(std::byte{9});
  stream<16>(memory.data() + 16, source.data());
  finish_streams();
  CHECK(memory[15] == std::byte{0});
  CHECK(memory[16] == std::byte{9});
  CHECK(memory[31] == std::byte{9});
}

}  // namespace
}  // namespace hvd
