#include "collectives/kernels/float8.h"

#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "core/base/random.h"
#include "tests/catch.h"

namespace hvd {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// The OCP specification's tables, read independently: S.EEEE.MMM with bias 7 without infinities,
// S.EEEEE.MM with bias 15 as IEEE 754 would have it.
double e4m3_value(int bits) {
  const int exponent = (bits >> 3) & 15;
  const int mantissa = bits & 7;
  const double sign = bits >= 128 ? -1 : 1;
  if (exponent == 15 && mantissa == 7) {
    return std::nan("");
  }
  return sign * (exponent == 0 ? std::ldexp(mantissa / 8.0, -6)
                               : std::ldexp(1 + mantissa / 8.0, exponent - 7));
}

double e5m2_value(int bits) {
  const int exponent = (bits >> 2) & 31;
  const int mantissa = bits & 3;
  const double sign = bits >= 128 ? -1 : 1;
  if (exponent == 31) {
    return mantissa == 0 ? sign * kInfinity : std::nan("");
  }
  return sign * (exponent == 0 ? std::ldexp(mantissa / 4.0, -14)
                               : std::ldexp(1 + mantissa / 4.0, exponent - 15));
}

bool same_value(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) || (a == b && std::signbit(a) == std::signbit(b));
}

TEST_CASE("every fp8 has the value that the OCP tables say, and survives fp32 and back",
          "[float8]") {
  int wrong_count = 0;
  for (int i = 0; i < 256; ++i) {
    const auto bits = static_cast<std::uint8_t>(i);
    const float e4m3 = float8_to_float(bits, kE4m3);
    const float e5m2 = float8_to_float(bits, kE5m2);
    wrong_count += same_value(e4m3, e4m3_value(i)) ? 0 : 1;
    wrong_count += same_value(e5m2, e5m2_value(i)) ? 0 : 1;
    wrong_count += float_to_float8(e4m3, kE4m3) == (std::isnan(e4m3) ? 0x7f : bits) ? 0 : 1;
    wrong_count += float_to_float8(e5m2, kE5m2) == (std::isnan(e5m2) ? 0x7e : bits) ? 0 : 1;
  }
  CHECK(wrong_count == 0);
  CHECK(float8_to_float(0x7e, kE4m3) == 448);
  CHECK(float8_to_float(0x7b, kE5m2) == 57344);
}

// The nearest of the numbers 0 .. `largest`, the even one of two; one step past it is `above`.
std::uint8_t nearest(double magnitude, double (*value)(int), int largest, double step_past) {
  int best = 0;
  double best_distance = kInfinity;
  for (int bits = 0; bits <= largest + 1; ++bits) {
    const double distance = std::abs((bits > largest ? step_past : value(bits)) - magnitude);
    if (distance < best_distance || (distance == best_distance && bits % 2 == 0)) {
      best = bits;
      best_distance = distance;
    }
  }
  return static_cast<std::uint8_t>(best);
}

TEST_CASE("fp8 is rounded to the nearest, to the even of two, and past the largest by its rule",
          "[float8]") {
  std::vector<float> values;
  Random random(5);
  values.reserve(5'000);
  for (int i = 0; i < 5'000; ++i) {
    values.push_back(
        static_cast<float>(std::ldexp(random.unit(), static_cast<int>(random.below(40)) - 22)));
  }
  for (int bits = 0; bits < 0x7e; ++bits) {
    for (const auto value : {&e4m3_value, &e5m2_value}) {
      const auto middle = static_cast<float>((value(bits) + value(bits + 1)) / 2);
      if (std::isfinite(middle)) {
        values.insert(values.end(),
                      {middle, std::nextafter(middle, 0.0F), std::nextafter(middle, 1e9F)});
      }
    }
  }
  values.insert(values.end(), {464.0F, 465.0F, 61440.0F, 61439.0F, 1e-45F, 1e-38F});
  int wrong_count = 0;
  for (const float value : values) {
    const auto e4m3 = nearest(value, e4m3_value, 0x7e, 480);
    const auto e5m2 = nearest(value, e5m2_value, 0x7b, 65536);
    wrong_count += float_to_float8(value, kE4m3) == e4m3 ? 0 : 1;
    wrong_count += float_to_float8(-value, kE4m3) == (e4m3 | 0x80) ? 0 : 1;
    wrong_count += float_to_float8(value, kE5m2) == e5m2 ? 0 : 1;
    wrong_count += float_to_float8(-value, kE5m2) == (e5m2 | 0x80) ? 0 : 1;
  }
  CHECK(wrong_count == 0);
  CHECK(float_to_float8(1e30F, kE4m3) == 0x7f);
  CHECK(float_to_float8(1e30F, kE5m2) == 0x7c);
  CHECK(float_to_float8(-std::numeric_limits<float>::infinity(), kE5m2) == 0xfc);
  CHECK(float_to_float8(std::numeric_limits<float>::quiet_NaN(), kE5m2) == 0x7e);
}

}  // namespace
}  // namespace hvd
