// tests/multiproc/workers/hvd_values.h: names of dtypes and ops, values that are equal everywhere.
// Not here: the programs.  Threads: pure functions.  Limits: knows hvd.h only.
// Read next: rank_shell.cc.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "bindings/c/hvd.h"

namespace hvd_worker {

struct Named {
  const char* name;
  std::int32_t value;
  std::size_t bytes;
};

inline constexpr std::array<Named, 11> kDTypes = {{{"uint8", HVD_UINT8, 1},
                                                   {"int8", HVD_INT8, 1},
                                                   {"uint16", HVD_UINT16, 2},
                                                   {"int16", HVD_INT16, 2},
                                                   {"int32", HVD_INT32, 4},
                                                   {"int64", HVD_INT64, 8},
                                                   {"float16", HVD_FLOAT16, 2},
                                                   {"float32", HVD_FLOAT32, 4},
                                                   {"float64", HVD_FLOAT64, 8},
                                                   {"bool", HVD_BOOL, 1},
                                                   {"bfloat16", HVD_BFLOAT16, 2}}};
inline constexpr std::array<Named, 6> kOps = {{{"average", HVD_AVERAGE, 0},
                                               {"sum", HVD_SUM, 0},
                                               {"adasum", HVD_ADASUM, 0},
                                               {"min", HVD_MIN, 0},
                                               {"max", HVD_MAX, 0},
                                               {"product", HVD_PRODUCT, 0}}};

// Those that equal_results does not go through; tests/python/checks does.
inline constexpr std::array<Named, 6> kOtherDTypes = {{{"uint32", HVD_UINT32, 4},
                                                       {"uint64", HVD_UINT64, 8},
                                                       {"float8_e4m3", HVD_FLOAT8_E4M3, 1},
                                                       {"float8_e5m2", HVD_FLOAT8_E5M2, 1},
                                                       {"complex64", HVD_COMPLEX64, 8},
                                                       {"complex128", HVD_COMPLEX128, 16}}};
inline constexpr std::array<Named, 7> kOtherOps = {{{"bit_and", HVD_BIT_AND, 0},
                                                    {"bit_or", HVD_BIT_OR, 0},
                                                    {"bit_xor", HVD_BIT_XOR, 0},
                                                    {"logical_and", HVD_LOGICAL_AND, 0},
                                                    {"logical_or", HVD_LOGICAL_OR, 0},
                                                    {"logical_xor", HVD_LOGICAL_XOR, 0},
                                                    {"premultiplied", HVD_PREMULTIPLIED_SUM, 0}}};

// splitmix64: the same numbers on every rank from the same seed.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  std::uint64_t below(std::uint64_t end) { return next() % end; }

 private:
  std::uint64_t state_;
};

// Any number that tells contents apart.
inline std::uint64_t checksum(const void* data, std::size_t byte_count) {
  const auto* bytes = static_cast<const unsigned char*>(data);
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (std::size_t i = 0; i < byte_count; ++i) {
    hash = (hash ^ bytes[i]) * 0x100000001b3ULL;
  }
  return hash;
}

// Random mantissas, magnitudes around 1: sums neither overflow nor lose every digit, and their bits
// depend on the order of the additions.
inline void fill_random(void* data, std::int32_t dtype, std::size_t count, Random& random) {
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t bits = random.next();
    const double value =
        (static_cast<double>(bits >> 11) / 9007199254740992.0 + 0.5) * ((bits & 1) != 0 ? 1 : -1);
    const auto put = [&](auto element) {
      std::memcpy(static_cast<char*>(data) + i * sizeof element, &element, sizeof element);
    };
    switch (dtype) {
      case HVD_FLOAT64:
        put(value);
        break;
      case HVD_FLOAT32:
        put(static_cast<float>(value));
        break;
      case HVD_FLOAT16:  // exponent 14 or 15, any mantissa
        put(static_cast<std::uint16_t>((bits & 0x8000) | (14U << 10) | (bits >> 40 & 0x7ff)));
        break;
      case HVD_BFLOAT16:
        put(static_cast<std::uint16_t>((bits & 0x8000) | (126U << 7) | (bits >> 40 & 0xff)));
        break;
      case HVD_BOOL:
        put(static_cast<std::uint8_t>(bits & 1));
        break;
      case HVD_INT64:
        put(static_cast<std::int64_t>(bits));
        break;
      case HVD_INT32:
        put(static_cast<std::int32_t>(bits));
        break;
      case HVD_INT16:
      case HVD_UINT16:
        put(static_cast<std::uint16_t>(bits));
        break;
      default:
        put(static_cast<std::uint8_t>(bits));
        break;
    }
  }
}

}  // namespace hvd_worker
