#include "collectives/kernels/integer_scale.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "collectives/kernels/elements.h"
#include "core/base/check.h"

namespace hvd {
namespace {

// The d of a factor 1 / d, if d is a whole number that T has; else 0.
template <typename T>
T whole_divisor(double factor) {
  constexpr double most = std::min(static_cast<double>(std::numeric_limits<T>::max()), 0x1p53);
  const double divisor = std::nearbyint(1.0 / factor);
  return divisor >= 1.0 && divisor <= most && 1.0 / divisor == factor ? static_cast<T>(divisor)
                                                                      : T{0};
}

template <typename T>
T truncated(double value) {
  // T's largest value plus one is a power of two and therefore exact.
  constexpr T half = std::numeric_limits<T>::max() / 2 + 1;
  constexpr double above = 2.0 * static_cast<double>(half);
  constexpr double least = static_cast<double>(std::numeric_limits<T>::min());
  if (!(value > least)) {  // also NaN
    return value == value ? std::numeric_limits<T>::min() : T{0};
  }
  return value < above ? static_cast<T>(value) : std::numeric_limits<T>::max();
}

// A quotient of two numbers below 2^32 that is no whole number differs from the next one by more
// than fp64 can round away, so that the truncated fp64 quotient is exact; and it has vectors.
template <typename T>
T divided(T value, T divisor) {
  if constexpr (sizeof(T) <= 4) {
    return static_cast<T>(static_cast<double>(value) / static_cast<double>(divisor));
  } else {
    return value / divisor;
  }
}

template <typename T>
void scale_as(std::byte* dst, const std::byte* src, double factor, std::size_t count) {
  using Element = PlainElement<T>;
  if (const T divisor = whole_divisor<T>(factor); divisor != 0) {
    HVD_INDEPENDENT_ITERATIONS
    for (std::size_t i = 0; i < count; ++i) {
      store<Element>(dst, i, divided<T>(load<Element>(src, i), divisor));
    }
    return;
  }
  for (std::size_t i = 0; i < count; ++i) {
    store<Element>(dst, i, truncated<T>(static_cast<double>(load<Element>(src, i)) * factor));
  }
}

void scale_booleans(std::byte* dst, const std::byte* src, double factor, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    store<BoolElement>(dst, i, load<BoolElement>(src, i) && factor != 0.0);
  }
}

}  // namespace

void scale_integers(std::byte* dst, const std::byte* src, double factor, std::size_t count,
                    DType dtype) {
  switch (dtype) {
    case DType::int8:
      return scale_as<std::int8_t>(dst, src, factor, count);
    case DType::uint8:
      return scale_as<std::uint8_t>(dst, src, factor, count);
    case DType::int16:
      return scale_as<std::int16_t>(dst, src, factor, count);
    case DType::uint16:
      return scale_as<std::uint16_t>(dst, src, factor, count);
    case DType::int32:
      return scale_as<std::int32_t>(dst, src, factor, count);
    case DType::uint32:
      return scale_as<std::uint32_t>(dst, src, factor, count);
    case DType::int64:
      return scale_as<std::int64_t>(dst, src, factor, count);
    case DType::uint64:
      return scale_as<std::uint64_t>(dst, src, factor, count);
    case DType::boolean:
      return scale_booleans(dst, src, factor, count);
    default:
      HVD_CHECK(!"an integer type");
  }
}

}  // namespace hvd
