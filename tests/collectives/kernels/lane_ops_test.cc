#define HVD_KERNELS kernels_under_test
#include "collectives/kernels/lane_ops.h"

#include <cmath>

#include "tests/catch.h"

namespace hvd {
namespace {

using namespace kernels_under_test;
using Floats = Vector<float, 4>;
using Bytes = Vector<std::uint8_t, 16>;
using SignedBytes = Vector<std::int8_t, 16>;

TEST_CASE("the least of zeros is the negative one, of a NaN and a number the NaN", "[lane_ops]") {
  const float nan = std::nanf("");
  const Floats least = FloatMin::apply(Floats{-0.0F, 0.0F, nan, 3}, Floats{0.0F, -0.0F, 1, nan});
  CHECK(std::signbit(least[0]));
  CHECK(std::signbit(least[1]));
  CHECK(std::isnan(least[2]));
  CHECK(std::isnan(least[3]));
  const Floats most = FloatMax::apply(Floats{-0.0F, 0.0F, nan, 3}, Floats{0.0F, -0.0F, 1, 5});
  CHECK_FALSE(std::signbit(most[0]));
  CHECK_FALSE(std::signbit(most[1]));
  CHECK(std::isnan(most[2]));
  CHECK(most[3] == 5);
}

TEST_CASE("integers are ordered by the sign of their type", "[lane_ops]") {
  CHECK(IntegerMin::apply(spread<Bytes>(std::uint8_t{200}), spread<Bytes>(std::uint8_t{3}))[0] ==
        3);
  CHECK(IntegerMax::apply(spread<SignedBytes>(std::int8_t{-56}),
                          spread<SignedBytes>(std::int8_t{3}))[15] == 3);
}

TEST_CASE("logical operations make 0 and 1 of any values", "[lane_ops]") {
  const Bytes four = spread<Bytes>(std::uint8_t{4});
  const Bytes two = spread<Bytes>(std::uint8_t{2});
  using And = Logical<BitAnd>;
  using Xor = Logical<BitXor>;
  CHECK(And::first(four)[0] == 1);
  CHECK(And::apply(And::first(four), two)[7] == 1);
  CHECK(Xor::apply(Xor::first(four), two)[7] == 0);
  CHECK(Xor::apply(Xor::first(four), Bytes{})[7] == 1);
}

TEST_CASE("complex numbers are multiplied in pairs of lanes", "[lane_ops]") {
  // (1 + 2i)(3 + 4i) = -5 + 10i, (0 + 1i)(0 + 1i) = -1
  const Floats product = ComplexProduct::apply(Floats{1, 2, 0, 1}, Floats{3, 4, 0, 1});
  CHECK(product[0] == -5);
  CHECK(product[1] == 10);
  CHECK(product[2] == -1);
  CHECK(product[3] == 0);
  using Doubles = Vector<double, 2>;
  const Doubles wide = ComplexProduct::apply(Doubles{1, 2}, Doubles{3, 4});
  CHECK(wide[0] == -5);
  CHECK(wide[1] == 10);
}

}  // namespace
}  // namespace hvd
