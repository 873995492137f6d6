#define HVD_KERNELS kernels_under_test
#include "collectives/kernels/lanes.h"

#include <bit>
#include <cmath>
#include <vector>

#include "collectives/kernels/float8.h"
#include "collectives/kernels/half.h"
#include "core/base/random.h"
#include "tests/catch.h"

namespace hvd {
namespace {

using namespace kernels_under_test;

// By float8.h and half.h, which their own tests compare with IEEE 754 and OCP.
float scalar_widened(Fp16, std::uint32_t bits) {
  return half_to_float(static_cast<std::uint16_t>(bits));
}
float scalar_widened(Bf16, std::uint32_t bits) {
  return bfloat16_to_float(static_cast<std::uint16_t>(bits));
}
float scalar_widened(E4m3, std::uint32_t bits) {
  return float8_to_float(static_cast<std::uint8_t>(bits), kE4m3);
}
float scalar_widened(E5m2, std::uint32_t bits) {
  return float8_to_float(static_cast<std::uint8_t>(bits), kE5m2);
}
std::uint32_t scalar_narrowed(Fp16, float value) {
  return float_to_half<NarrowNan::canonical>(value);
}
std::uint32_t scalar_narrowed(Bf16, float value) {
  return float_to_bfloat16<NarrowNan::canonical>(value);
}
std::uint32_t scalar_narrowed(E4m3, float value) { return float_to_float8(value, kE4m3); }
std::uint32_t scalar_narrowed(E5m2, float value) { return float_to_float8(value, kE5m2); }

bool same_value(float a, float b) {
  return (std::isnan(a) && std::isnan(b)) ||
         std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
}

template <typename Format>
std::vector<float> all_values() {
  std::vector<float> values;
  for (std::uint32_t bits = 0; bits < 1U << (8 * sizeof(typename Format::Stored)); ++bits) {
    values.push_back(scalar_widened(Format{}, bits));
  }
  return values;
}

TEMPLATE_TEST_CASE("every narrow number is widened exactly", "[lanes]", Fp16, Bf16, E4m3, E5m2) {
  const std::vector<float> values = all_values<TestType>();
  int wrong_count = 0;
  for (std::size_t bits = 0; bits < values.size(); ++bits) {
    const auto stored =
        spread<Vector<typename TestType::Stored, 4>>(static_cast<typename TestType::Stored>(bits));
    wrong_count += same_value(widened<TestType, 4>(stored)[3], values[bits]) ? 0 : 1;
    if constexpr (sizeof(typename TestType::Stored) == 2) {
      using Lanes = SmallFloatLanes<TestType>;
      const auto lanes =
          spread<typename Lanes::Stored>(static_cast<typename TestType::Stored>(bits));
      wrong_count += same_value(Lanes::widen(lanes)[0], values[bits]) ? 0 : 1;
    }
  }
  CHECK(wrong_count == 0);
}

// Each number, each middle between two, and the floats next to those; then random bits.
template <typename Format>
std::vector<float> hard_values() {
  std::vector<float> values;
  const std::vector<float> numbers = all_values<Format>();
  for (std::size_t i = 0; i + 1 < numbers.size(); ++i) {
    const float middle = numbers[i] / 2 + numbers[i + 1] / 2;
    for (const float value : {numbers[i], middle}) {
      values.insert(values.end(),
                    {value, std::nextafter(value, HUGE_VALF), std::nextafter(value, -HUGE_VALF)});
    }
  }
  Random random(7);
  for (int i = 0; i < 100'000; ++i) {
    values.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(random.next())));
  }
  return values;
}

TEMPLATE_TEST_CASE("fp32 is narrowed as one at a time", "[lanes]", Fp16, Bf16, E4m3, E5m2) {
  using Lanes = SmallFloatLanes<TestType>;
  int wrong_count = 0;
  for (const float value : hard_values<TestType>()) {
    const auto values = spread<typename Lanes::Values>(value);
    const std::uint32_t expected = scalar_narrowed(TestType{}, value);
    wrong_count += narrow_bits<TestType, float, Lanes::kCount>(values)[1] == expected ? 0 : 1;
    wrong_count += Lanes::narrow(values)[2] == expected ? 0 : 1;
  }
  CHECK(wrong_count == 0);
}

// Exactly between two neighbours of the format.
template <typename Format>
bool is_middle(float value) {
  const auto neighbour = [value](float beyond) {
    return static_cast<double>(
        scalar_widened(Format{}, scalar_narrowed(Format{}, std::nextafter(value, beyond))));
  };
  const double low = neighbour(-HUGE_VALF);
  const double high = neighbour(HUGE_VALF);
  return low != high && low / 2 + high / 2 == static_cast<double>(value);
}

// All fp64 between a float and the next one round alike: every middle is a float.
TEMPLATE_TEST_CASE("fp64 is rounded once, not by way of fp32", "[lanes]", Fp16, Bf16, E4m3, E5m2) {
  const auto narrowed = [](double value) {
    return narrow_bits<TestType, double, 2>(spread<Vector<double, 2>>(value))[1];
  };
  constexpr float most = sizeof(typename TestType::Stored) == 1 ? 440.0F : 60000.0F;
  int wrong_count = 0;
  int middle_count = 0;
  for (const float value : hard_values<TestType>()) {
    wrong_count += narrowed(value) == scalar_narrowed(TestType{}, value) ? 0 : 1;
    if (std::abs(value) < most) {
      const bool middle = is_middle<TestType>(value);
      middle_count += middle ? 1 : 0;
      for (const float beyond : {HUGE_VALF, -HUGE_VALF}) {
        const float side = middle || value == 0 ? std::nextafter(value, beyond) : value;
        const double beside = std::nextafter(static_cast<double>(value), beyond);
        wrong_count += narrowed(beside) == scalar_narrowed(TestType{}, side) ? 0 : 1;
      }
    }
  }
  CHECK(wrong_count == 0);
  CHECK(middle_count > 100);
  CHECK(narrowed(HUGE_VAL) == TestType::above);
  CHECK(narrowed(1e300) == TestType::above);
  CHECK(narrowed(-std::nan("")) == TestType::nan);
  CHECK(narrowed(1e-300) == 0);
}

}  // namespace
}  // namespace hvd
