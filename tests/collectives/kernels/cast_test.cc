#include "collectives/kernels/cast.h"

#include <array>
#include <cmath>

#include "tests/catch.h"

namespace hvd {
namespace {

TEST_CASE("fp32 and fp64 go as fp16 and bf16, nothing else does", "[cast]") {
  CHECK(wire_cast_supported({.wide = DType::float64, .wire = DType::float16}));
  CHECK(wire_cast_supported({.wide = DType::float32, .wire = DType::bfloat16}));
  CHECK_FALSE(wire_cast_supported({.wide = DType::float16, .wire = DType::bfloat16}));
  CHECK_FALSE(wire_cast_supported({.wide = DType::float32, .wire = DType::float8_e4m3}));
  CHECK_FALSE(wire_cast_supported({.wide = DType::int32, .wire = DType::float16}));
}

TEST_CASE("what was sent narrow is reduced wide", "[cast]") {
  const WireCast cast{.wide = DType::float32, .wire = DType::bfloat16};
  const std::array<float, 3> mine = {1, -2, 3};
  const std::array<float, 3> theirs = {1.00390625F, 5, std::nanf("")};  // 1 + 2^-8 becomes 1
  std::array<std::uint16_t, 3> wire{};
  narrow(reinterpret_cast<std::byte*>(wire.data()),
         reinterpret_cast<const std::byte*>(theirs.data()), 3, cast);
  std::array<float, 3> result{};
  auto* to = reinterpret_cast<std::byte*>(result.data());
  const auto* from = reinterpret_cast<const std::byte*>(wire.data());
  widen(to, from, 3, cast);
  CHECK(result[0] == 1);
  CHECK(std::isnan(result[2]));
  narrow_round(to, reinterpret_cast<const std::byte*>(theirs.data()), 3, cast);
  CHECK(result[0] == 1);
  CHECK(result[1] == 5);
  narrow_reduce(to, reinterpret_cast<const std::byte*>(mine.data()), from, 3, cast,
                ReduceOp::product);
  CHECK(result[0] == 1);
  CHECK(result[1] == -10);
  narrow_reduce(to, reinterpret_cast<const std::byte*>(mine.data()), from, 3, cast, ReduceOp::min);
  CHECK(result[1] == -2);
  CHECK(std::isnan(result[2]));
}

}  // namespace
}  // namespace hvd
