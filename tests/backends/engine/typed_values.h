// tests/backends/engine/typed_values.h: numbers in the memory of any DType, and what to expect of
// them.
// Not here: running anything (engine_world.h).
// Threads: pure functions.  Limits: none.
// Read next: native_data_plane_test.cc.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "collectives/kernels/half.h"
#include "core/base/random.h"
#include "core/vocabulary/dtype.h"
#include "core/vocabulary/reduce_op.h"

namespace hvd {

template <typename T>
void store_as(std::byte* at, T value) {
  std::memcpy(at, &value, sizeof value);
}
template <typename T>
T load_as(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

inline void store_value(DType dtype, std::byte* at, double value) {
  switch (dtype) {
    case DType::float64:
      return store_as(at, value);
    case DType::float32:
      return store_as(at, static_cast<float>(value));
    case DType::float16:
      return store_as(at, float_to_half(static_cast<float>(value)));
    case DType::bfloat16:
      return store_as(at, float_to_bfloat16(static_cast<float>(value)));
    case DType::int64:
      return store_as(at, static_cast<std::int64_t>(value));
    case DType::int32:
      return store_as(at, static_cast<std::int32_t>(value));
    case DType::int16:
    case DType::uint16:
      return store_as(at, static_cast<std::int16_t>(value));
    default:
      return store_as(at, static_cast<std::int8_t>(value));
  }
}

inline double load_value(DType dtype, const std::byte* at) {
  switch (dtype) {
    case DType::float64:
      return load_as<double>(at);
    case DType::float32:
      return load_as<float>(at);
    case DType::float16:
      return half_to_float(load_as<std::uint16_t>(at));
    case DType::bfloat16:
      return bfloat16_to_float(load_as<std::uint16_t>(at));
    case DType::int64:
      return static_cast<double>(load_as<std::int64_t>(at));
    case DType::int32:
      return load_as<std::int32_t>(at);
    case DType::int16:
    case DType::uint16:
      return load_as<std::int16_t>(at);
    case DType::int8:
      return load_as<std::int8_t>(at);
    default:
      return load_as<std::uint8_t>(at);
  }
}

// Random mantissas; of a size that eight of them neither overflow nor vanish in a sum or a product.
inline double random_value(DType dtype, Random& random) {
  const double sign = random.below(2) == 0 ? 1.0 : -1.0;
  if (is_floating(dtype)) {
    return sign * (0.5 + random.unit());
  }
  if (dtype == DType::boolean) {
    return random.below(3) == 0 ? 1.0 : 0.0;
  }
  if (dtype == DType::uint8) {
    return static_cast<double>(random.below(31));
  }
  return dtype == DType::int8 ? sign * static_cast<double>(random.below(16))
                              : sign * static_cast<double>(1 + random.below(9));
}

// The relative distance of two neighbouring numbers; 0 for integers.
inline double precision(DType dtype) {
  switch (dtype) {
    case DType::float64:
      return std::ldexp(1.0, -52);
    case DType::float32:
      return std::ldexp(1.0, -23);
    case DType::float16:
      return std::ldexp(1.0, -10);
    case DType::bfloat16:
      return std::ldexp(1.0, -7);
    default:
      return 0.0;
  }
}

struct Expected {
  double value = 0;
  double error_max = 0;
};

// The reduction of one element over all ranks, in float64.
inline Expected expected_of(DType dtype, ReduceOp op, const std::vector<double>& values) {
  Expected expected{values.front(), 0};
  double magnitude = std::abs(values.front());
  for (std::size_t i = 1; i < values.size(); ++i) {
    const double value = values[i];
    switch (op) {
      case ReduceOp::min:
        expected.value = std::fmin(expected.value, value);
        break;
      case ReduceOp::max:
        expected.value = std::fmax(expected.value, value);
        break;
      case ReduceOp::product:
        expected.value *= value;
        break;
      default:
        expected.value =
            dtype == DType::boolean ? std::fmax(expected.value, value) : expected.value + value;
        break;
    }
    magnitude += std::abs(value);
  }
  const double rounds = static_cast<double>(values.size());
  if (op == ReduceOp::product) {
    expected.error_max = std::abs(expected.value) * precision(dtype) * rounds;
  } else if (op == ReduceOp::sum || op == ReduceOp::average) {
    expected.error_max = magnitude * precision(dtype) * rounds;
  }
  return expected;
}

}  // namespace hvd
