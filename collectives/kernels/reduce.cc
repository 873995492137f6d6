#include "collectives/kernels/reduce.h"

#include <type_traits>

#include "collectives/kernels/elements.h"
#include "core/base/check.h"

namespace hvd {
namespace {

template <typename T>
constexpr bool kFloating = std::is_floating_point_v<T>;

template <typename T>
using BitsOf = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;

// Two's complement wrap-around without undefined behaviour; small types are promoted to int and
// cut again.
template <typename T>
constexpr auto wide(T value) {
  using Unsigned = std::make_unsigned_t<T>;
  return static_cast<std::common_type_t<Unsigned, unsigned>>(static_cast<Unsigned>(value));
}

struct Sum {
  template <typename T>
  static constexpr T apply(T a, T b) {
    if constexpr (std::is_same_v<T, bool>) {
      return a | b;
    } else if constexpr (kFloating<T>) {
      return a + b;
    } else {
      return static_cast<T>(wide(a) + wide(b));
    }
  }
};

struct Product {
  template <typename T>
  static constexpr T apply(T a, T b) {
    if constexpr (kFloating<T>) {
      return a * b;
    } else {
      return static_cast<T>(wide(a) * wide(b));
    }
  }
};

// Both ways to ask give the same bits, unless the operands are equal or one is NaN; then one gives
// a and the other b. Equal operands are the same bits or zeros of two signs, and "or" keeps the
// minus. A NaN survives "or" with anything.
template <typename T>
constexpr T least_float(T a, T b) {
  using Bits = BitsOf<T>;
  const auto one_way = std::bit_cast<Bits>(a < b ? a : b);
  const auto other_way = std::bit_cast<Bits>(b < a ? b : a);
  return std::bit_cast<T>(static_cast<Bits>(one_way | other_way));
}

struct Min {
  template <typename T>
  static constexpr T apply(T a, T b) {
    if constexpr (kFloating<T>) {
      return least_float(a, b);
    } else {
      return b < a ? b : a;
    }
  }
};

struct Max {
  template <typename T>
  static constexpr T apply(T a, T b) {
    if constexpr (std::is_same_v<T, bool>) {
      return a | b;
    } else if constexpr (kFloating<T>) {
      return -least_float(-a, -b);
    } else {
      return a < b ? b : a;
    }
  }
};

template <typename Element, typename Operation>
void reduce_loop(std::byte* dst, const std::byte* a, const std::byte* b, std::size_t count) {
  HVD_INDEPENDENT_ITERATIONS
  for (std::size_t i = 0; i < count; ++i) {
    store<Element>(dst, i, Operation::apply(load<Element>(a, i), load<Element>(b, i)));
  }
}

using Loop = void (*)(std::byte*, const std::byte*, const std::byte*, std::size_t);

template <typename Element>
Loop loop_of_any_op(ReduceOp op) {
  switch (op) {
    case ReduceOp::average:
    case ReduceOp::sum:
      return reduce_loop<Element, Sum>;
    case ReduceOp::min:
      return reduce_loop<Element, Min>;
    case ReduceOp::max:
      return reduce_loop<Element, Max>;
    case ReduceOp::product:
      return reduce_loop<Element, Product>;
    default:
      return nullptr;
  }
}

template <typename Element>
Loop loop_of_small_op(ReduceOp op) {
  return op == ReduceOp::max ? reduce_loop<Element, Max> : reduce_loop<Element, Sum>;
}

Loop loop_of(DType dtype, ReduceOp op) {
  switch (dtype) {
    case DType::float32:
      return loop_of_any_op<PlainElement<float>>(op);
    case DType::float64:
      return loop_of_any_op<PlainElement<double>>(op);
    case DType::float16:
      return loop_of_any_op<HalfElement>(op);
    case DType::bfloat16:
      return loop_of_any_op<Bfloat16Element>(op);
    case DType::int32:
      return loop_of_any_op<PlainElement<std::int32_t>>(op);
    case DType::int64:
      return loop_of_any_op<PlainElement<std::int64_t>>(op);
    case DType::int8:
      return loop_of_small_op<PlainElement<std::int8_t>>(op);
    case DType::uint8:
      return loop_of_small_op<PlainElement<std::uint8_t>>(op);
    case DType::boolean:
      return loop_of_small_op<BoolElement>(op);
    default:
      return nullptr;
  }
}

}  // namespace

void reduce(std::byte* dst, const std::byte* a, const std::byte* b, std::size_t count, DType dtype,
            ReduceOp op) {
  HVD_CHECK(reduce_supported(op, dtype));
  loop_of(dtype, op)(dst, a, b, count);
}

}  // namespace hvd
