#include "collectives/kernels/reduce.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "core/base/random.h"
#include "core/base/str.h"
#include "tests/catch.h"
#include "tests/collectives/kernels/naive_reduction.h"
#include "tests/collectives/reference_executor.h"

namespace hvd {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Those whose results fp64 can foresee; naive_reduction.h foresees all, in the types' own
// arithmetic.
template <typename Use>
void for_supported(Use use) {
  for_each_reduction([&use](DType dtype, ReduceOp op) {
    const bool integer = dtype == DType::int32 || dtype == DType::int64;
    if (op <= ReduceOp::product && (is_floating(dtype) || integer || dtype == DType::boolean)) {
      use(dtype, op);
    }
  });
}

double reduced(double a, double b, DType dtype, ReduceOp op) {
  const bool is_sum = op == ReduceOp::sum || op == ReduceOp::average;
  if (dtype == DType::boolean) {
    const bool is_and = op == ReduceOp::product || op == ReduceOp::min;
    return (is_and ? a != 0 && b != 0 : a != 0 || b != 0) ? 1 : 0;
  }
  if (is_sum || op == ReduceOp::product) {
    return is_sum ? a + b : a * b;
  }
  if (std::isnan(a) || std::isnan(b)) {
    return kNan;
  }
  if (a == b) {  // zeros of two signs
    return (op == ReduceOp::min) == std::signbit(a) ? a : b;
  }
  return (op == ReduceOp::min) == (a < b) ? a : b;
}

// fp64 rounded once to the type. Sums and products of two fp16, bf16 or fp32 are exact in fp64, or
// so nearly that rounding twice gives the same (53 >= 2 * 24 + 2).
std::vector<std::byte> in_type(double value, DType dtype) {
  std::vector<std::byte> bytes(8);
  const bool through_float = dtype_bytes(dtype) < 4;
  set_element(bytes.data(), 0, dtype,
              through_float ? static_cast<double>(static_cast<float>(value)) : value);
  bytes.resize(dtype_bytes(dtype));
  return bytes;
}

std::vector<double> interesting_values(DType dtype, Random& random) {
  std::vector<double> values;
  if (is_floating(dtype)) {
    values = {0.0,   -0.0,  1,       -1,       kInfinity, -kInfinity,
              kNan,  -kNan, 0x1p-24, 0x1p-149, -0x1p-149, 0x1p-1074,
              65504, 60000, 3e38,    -3e38,    1e308,     0x1.ffcp-15};
  }
  for (int i = 0; i < 60; ++i) {
    const double value =
        is_floating(dtype)
            ? std::ldexp(random.unit() - 0.5, static_cast<int>(random.below(40)) - 20)
        : dtype == DType::boolean ? static_cast<double>(random.below(2))
                                  : static_cast<double>(random.below(40000)) - 20000;
    values.push_back(value);
  }
  return values;
}

struct Vectors {
  std::vector<std::byte> a;
  std::vector<std::byte> b;
  std::size_t count = 0;
};

// Every value with every other, then some more so that no vector width divides the count.
Vectors all_pairs(DType dtype, Random& random) {
  const std::vector<double> values = interesting_values(dtype, random);
  const std::size_t bytes = dtype_bytes(dtype);
  Vectors vectors;
  vectors.count = values.size() * values.size();
  vectors.a.resize(vectors.count * bytes);
  vectors.b.resize(vectors.count * bytes);
  for (std::size_t i = 0; i < vectors.count; ++i) {
    set_element(vectors.a.data(), i, dtype, values[i / values.size()]);
    set_element(vectors.b.data(), i, dtype, values[i % values.size()]);
  }
  return vectors;
}

TEST_CASE("each operation on each type gives the fp64 result, rounded once", "[reduce]") {
  Random random(11);
  for_supported([&](DType dtype, ReduceOp op) {
    const Vectors vectors = all_pairs(dtype, random);
    const std::size_t bytes = dtype_bytes(dtype);
    std::vector<std::byte> result(vectors.count * bytes);
    reduce(result.data(), vectors.a.data(), vectors.b.data(), vectors.count, dtype, op);
    std::size_t wrong_count = 0;
    for (std::size_t i = 0; i < vectors.count; ++i) {
      const double a = element_as_double(vectors.a.data(), i, dtype);
      const double b = element_as_double(vectors.b.data(), i, dtype);
      const std::vector<std::byte> expected = in_type(reduced(a, b, dtype, op), dtype);
      wrong_count += std::memcmp(result.data() + i * bytes, expected.data(), bytes) == 0 ? 0U : 1U;
    }
    INFO(dtype_name(dtype) << " " << reduce_op_name(op));
    CHECK(wrong_count == 0);
  });
}

TEST_CASE("operands in either order give equal bits, NaN and zeros included", "[reduce]") {
  Random random(12);
  for_supported([&](DType dtype, ReduceOp op) {
    Vectors vectors = all_pairs(dtype, random);
    for (std::byte& byte : vectors.b) {  // any bits, also NaN with payloads
      byte = dtype == DType::boolean ? std::byte{1} : static_cast<std::byte>(random.next());
    }
    std::vector<std::byte> one(vectors.a.size());
    std::vector<std::byte> other(vectors.a.size());
    reduce(one.data(), vectors.a.data(), vectors.b.data(), vectors.count, dtype, op);
    reduce(other.data(), vectors.b.data(), vectors.a.data(), vectors.count, dtype, op);
    INFO(dtype_name(dtype) << " " << reduce_op_name(op));
    CHECK(one == other);
  });
}

TEST_CASE("the result may be written over either operand, at any address and count", "[reduce]") {
  Random random(13);
  for_supported([&](DType dtype, ReduceOp op) {
    const std::size_t bytes = dtype_bytes(dtype);
    for (std::size_t count = 0; count < 40; ++count) {
      Vectors vectors = all_pairs(dtype, random);
      std::vector<std::byte> expected(vectors.a.size() + 1, std::byte{0x11});
      reduce(expected.data(), vectors.a.data(), vectors.b.data(), count, dtype, op);
      std::vector<std::byte> odd(vectors.a.size() + 1, std::byte{0x11});
      std::copy(vectors.a.begin(), vectors.a.end(), odd.begin() + 1);
      const std::vector<std::byte> before = odd;
      reduce(odd.data() + 1, odd.data() + 1, vectors.b.data(), count, dtype, op);
      reduce(vectors.b.data(), vectors.a.data(), vectors.b.data(), count, dtype, op);
      const bool over_a = std::memcmp(odd.data() + 1, expected.data(), count * bytes) == 0;
      const bool over_b = std::memcmp(vectors.b.data(), expected.data(), count * bytes) == 0;
      const bool rest_untouched =
          std::equal(odd.begin() + 1 + static_cast<std::ptrdiff_t>(count * bytes), odd.end(),
                     before.begin() + 1 + static_cast<std::ptrdiff_t>(count * bytes));
      if (!over_a || !over_b || !rest_untouched) {
        FAIL(dtype_name(dtype) << " " << reduce_op_name(op) << " count " << count);
      }
    }
  });
  SUCCEED("all kinds, 40 counts");
}

TEST_CASE("integers wrap around", "[reduce]") {
  const auto largest = std::numeric_limits<std::int32_t>::max();
  const std::int32_t one = 1;
  std::int32_t result = 0;
  reduce(reinterpret_cast<std::byte*>(&result), reinterpret_cast<const std::byte*>(&largest),
         reinterpret_cast<const std::byte*>(&one), 1, DType::int32, ReduceOp::sum);
  CHECK(result == std::numeric_limits<std::int32_t>::min());
}

}  // namespace
}  // namespace hvd
