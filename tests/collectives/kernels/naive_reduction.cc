#include "tests/collectives/kernels/naive_reduction.h"

#include <array>
#include <bit>
#include <cmath>
#include <complex>
#include <cstring>
#include <limits>
#include <type_traits>

#include "collectives/kernels/elements.h"
#include "core/base/str.h"

namespace hvd {
namespace {

bool is_sum(ReduceOp op) {
  return op == ReduceOp::sum || op == ReduceOp::average || op == ReduceOp::premultiplied_sum;
}

template <typename T>
T combined_floats(T a, T b, ReduceOp op) {
  if (is_sum(op) || op == ReduceOp::product) {
    return is_sum(op) ? a + b : a * b;
  }
  if (std::isnan(a) || std::isnan(b)) {
    return std::numeric_limits<T>::quiet_NaN();
  }
  if (a == b) {  // zeros of two signs
    return (op == ReduceOp::min) == std::signbit(a) ? a : b;
  }
  return (op == ReduceOp::min) == (a < b) ? a : b;
}

template <typename T>
T combined_integers(T a, T b, ReduceOp op) {
  using Bits = std::make_unsigned_t<T>;
  const std::uint64_t wide_a = static_cast<Bits>(a);
  const std::uint64_t wide_b = static_cast<Bits>(b);
  switch (op) {
    case ReduceOp::product:
      return static_cast<T>(wide_a * wide_b);
    case ReduceOp::min:
      return b < a ? b : a;
    case ReduceOp::max:
      return a < b ? b : a;
    case ReduceOp::bit_and:
      return static_cast<T>(wide_a & wide_b);
    case ReduceOp::bit_or:
      return static_cast<T>(wide_a | wide_b);
    case ReduceOp::bit_xor:
      return static_cast<T>(wide_a ^ wide_b);
    case ReduceOp::logical_and:
      return static_cast<T>(a != 0 && b != 0);
    case ReduceOp::logical_or:
      return static_cast<T>(a != 0 || b != 0);
    case ReduceOp::logical_xor:
      return static_cast<T>((a != 0) != (b != 0));
    default:
      return static_cast<T>(wide_a + wide_b);
  }
}

bool combined_booleans(bool a, bool b, ReduceOp op) {
  switch (op) {
    case ReduceOp::product:
    case ReduceOp::min:
    case ReduceOp::bit_and:
    case ReduceOp::logical_and:
      return a && b;
    case ReduceOp::bit_xor:
    case ReduceOp::logical_xor:
      return a != b;
    default:
      return a || b;
  }
}

template <typename T>
T combined(T a, T b, ReduceOp op) {
  if constexpr (std::is_same_v<T, bool>) {
    return combined_booleans(a, b, op);
  } else if constexpr (std::is_floating_point_v<T>) {
    return combined_floats(a, b, op);
  } else {
    return combined_integers(a, b, op);
  }
}

template <typename Element>
void fold(std::byte* dst, std::span<const std::byte* const> sources, std::size_t count,
          ReduceOp op) {
  using Value = typename Element::Value;
  const bool logical =
      op == ReduceOp::logical_and || op == ReduceOp::logical_or || op == ReduceOp::logical_xor;
  for (std::size_t i = 0; i < count; ++i) {
    Value value = load<Element>(sources[0], i);
    for (std::size_t s = 1; s < sources.size(); ++s) {
      value = combined<Value>(value, load<Element>(sources[s], i), op);
    }
    store<Element>(dst, i, logical ? static_cast<Value>(value != Value{}) : value);
  }
}

template <typename T>
void fold_complex(std::byte* dst, std::span<const std::byte* const> sources, std::size_t count,
                  ReduceOp op) {
  using Part = PlainElement<T>;
  for (std::size_t i = 0; i < 2 * count; i += 2) {
    T real = load<Part>(sources[0], i);
    T imaginary = load<Part>(sources[0], i + 1);
    for (std::size_t s = 1; s < sources.size(); ++s) {
      const T next_real = load<Part>(sources[s], i);
      const T next_imaginary = load<Part>(sources[s], i + 1);
      if (op == ReduceOp::product) {
        const std::array<T, 4> products = {real * next_real, imaginary * next_imaginary,
                                           real * next_imaginary, imaginary * next_real};
        real = products[0] - products[1];
        imaginary = products[2] + products[3];
      } else {
        real += next_real;
        imaginary += next_imaginary;
      }
    }
    store<Part>(dst, i, real);
    store<Part>(dst, i + 1, imaginary);
  }
}

template <typename T>
T special_float(Random& random) {
  using Limits = std::numeric_limits<T>;
  const std::array<T, 12> values = {T{0},
                                    T{1},
                                    Limits::infinity(),
                                    Limits::quiet_NaN(),
                                    Limits::denorm_min(),
                                    Limits::min(),
                                    Limits::max(),
                                    Limits::min() / 2,
                                    Limits::epsilon(),
                                    1 + Limits::epsilon(),
                                    Limits::max() / 2,
                                    T{3}};
  const T value = values[random.below(values.size())];
  return random.below(2) == 0 ? value : -value;
}

// The narrow formats' own: zeros, subnormals, around 1, the largest, infinity, NaN.
std::uint64_t special_bits(DType dtype, Random& random) {
  static constexpr std::array<std::uint64_t, 10> fp16 = {0,      1,      0x3ff,  0x400,  0x3c00,
                                                         0x3c01, 0x7bff, 0x7c00, 0x7c01, 0x7e00};
  static constexpr std::array<std::uint64_t, 10> bf16 = {0,      1,      0x7f,   0x80,   0x3f80,
                                                         0x3f81, 0x7f7f, 0x7f80, 0x7f81, 0x7fc0};
  static constexpr std::array<std::uint64_t, 8> integer = {
      0, 1, 2, 0x7f, 0x7fff, 0x7fffffff, 0x7fffffffffffffff, 0xffffffffffffffff};
  const std::uint64_t sign = random.below(2) << 15;
  switch (dtype) {
    case DType::float16:
      return fp16[random.below(fp16.size())] | sign;
    case DType::bfloat16:
      return bf16[random.below(bf16.size())] | sign;
    case DType::float32:
      return std::bit_cast<std::uint32_t>(special_float<float>(random));
    case DType::float64:
      return std::bit_cast<std::uint64_t>(special_float<double>(random));
    default:
      return integer[random.below(integer.size())] << (random.below(2) * 7);
  }
}

std::uint64_t mixed_bits(DType dtype, Random& random) {
  switch (random.below(4)) {
    case 0:
      return special_bits(dtype, random);
    case 1:
      return random.next();
    default:
      break;
  }
  const double usual = (random.unit() - 0.5) * static_cast<double>(1 + random.below(40));
  switch (dtype) {
    case DType::float16:
      return float_to_half(static_cast<float>(usual));
    case DType::bfloat16:
      return float_to_bfloat16(static_cast<float>(usual));
    case DType::float32:
      return std::bit_cast<std::uint32_t>(static_cast<float>(usual));
    case DType::float64:
      return std::bit_cast<std::uint64_t>(usual);
    default:
      return random.next();
  }
}

}  // namespace

void naive_reduce(std::byte* dst, std::span<const std::byte* const> sources, std::size_t count,
                  DType dtype, ReduceOp op) {
  switch (dtype) {
    case DType::uint8:
      return fold<PlainElement<std::uint8_t>>(dst, sources, count, op);
    case DType::int8:
      return fold<PlainElement<std::int8_t>>(dst, sources, count, op);
    case DType::uint16:
      return fold<PlainElement<std::uint16_t>>(dst, sources, count, op);
    case DType::int16:
      return fold<PlainElement<std::int16_t>>(dst, sources, count, op);
    case DType::uint32:
      return fold<PlainElement<std::uint32_t>>(dst, sources, count, op);
    case DType::int32:
      return fold<PlainElement<std::int32_t>>(dst, sources, count, op);
    case DType::uint64:
      return fold<PlainElement<std::uint64_t>>(dst, sources, count, op);
    case DType::int64:
      return fold<PlainElement<std::int64_t>>(dst, sources, count, op);
    case DType::float16:
      return fold<HalfElement>(dst, sources, count, op);
    case DType::bfloat16:
      return fold<Bfloat16Element>(dst, sources, count, op);
    case DType::float32:
      return fold<PlainElement<float>>(dst, sources, count, op);
    case DType::float64:
      return fold<PlainElement<double>>(dst, sources, count, op);
    case DType::float8_e4m3:
      return fold<E4m3Element>(dst, sources, count, op);
    case DType::float8_e5m2:
      return fold<E5m2Element>(dst, sources, count, op);
    case DType::boolean:
      return fold<BoolElement>(dst, sources, count, op);
    case DType::complex64:
      return fold_complex<float>(dst, sources, count, op);
    case DType::complex128:
      return fold_complex<double>(dst, sources, count, op);
  }
}

void for_each_reduction(const std::function<void(DType, ReduceOp)>& use) {
  for (int dtype = 0; dtype < kDTypeCount; ++dtype) {
    for (int op = 0; op < kReduceOpCount; ++op) {
      if (static_cast<ReduceOp>(op) != ReduceOp::adasum &&
          reduce_supported(static_cast<ReduceOp>(op), static_cast<DType>(dtype))) {
        use(static_cast<DType>(dtype), static_cast<ReduceOp>(op));
      }
    }
  }
}

std::vector<std::byte> mixed_values(DType dtype, std::size_t count, Random& random) {
  DType part = dtype;
  std::size_t parts = 1;
  if (is_complex(dtype)) {
    part = dtype == DType::complex64 ? DType::float32 : DType::float64;
    parts = 2;
  }
  const std::size_t bytes = dtype_bytes(part);
  std::vector<std::byte> values(count * parts * bytes);
  for (std::size_t at = 0; at < values.size(); at += bytes) {
    const std::uint64_t bits = mixed_bits(part, random);
    std::memcpy(values.data() + at, &bits, bytes);
  }
  return values;
}

std::string difference(std::span<const std::byte> found, std::span<const std::byte> expected,
                       DType dtype, ReduceOp op) {
  const std::size_t bytes = dtype_bytes(dtype);
  const auto text = [bytes](const std::byte* from) {
    std::string digits;
    for (std::size_t i = 0; i < bytes; ++i) {
      digits += str(i == 0 ? "" : " ", static_cast<int>(from[i]));
    }
    return digits;
  };
  for (std::size_t at = 0; at + bytes <= expected.size(); at += bytes) {
    if (std::memcmp(found.data() + at, expected.data() + at, bytes) != 0) {
      return str("element ", at / bytes, " of ", dtype_name(dtype), " ", reduce_op_name(op), ": ",
                 text(found.data() + at), ", expected ", text(expected.data() + at));
    }
  }
  return "";
}

}  // namespace hvd
