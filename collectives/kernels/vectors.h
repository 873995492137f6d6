// collectives/kernels/vectors.h: vectors as wide as the instruction set of the including source.
// Not here: element types (lanes.h), loops (reduce_loops.h).
// Threads: pure functions.  Limits: only for reduce_SET.cc; see HVD_KERNELS.
// Read next: lanes.h.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

// What is compiled once per instruction set lives in a namespace per instruction set, and calls
// nothing inline or templated outside of it: the linker keeps one copy of such a function, and that
// could be the one with instructions that this CPU lacks.
#ifndef HVD_KERNELS
#define HVD_KERNELS kernels_portable
#endif
#define HVD_INLINE [[gnu::always_inline]] inline

// Vectors wider than the registers never pass through a call: whatever takes or returns one is
// inline always.
#pragma GCC diagnostic ignored "-Wpsabi"

namespace hvd::HVD_KERNELS {

#if defined(HVD_KERNELS_PORTABLE)
inline constexpr int kVectorBytes = 16;
#elif defined(__AVX512F__)
#define HVD_HARDWARE_HALF 1
inline constexpr int kVectorBytes = 64;
#elif defined(__AVX2__) && defined(__F16C__)
#define HVD_HARDWARE_HALF 1
inline constexpr int kVectorBytes = 32;
#elif defined(__aarch64__)
#define HVD_HARDWARE_HALF 1
inline constexpr int kVectorBytes = 16;
#else
inline constexpr int kVectorBytes = 16;
#endif

template <typename T, int kCount>
struct VectorOf {
  typedef T Type __attribute__((vector_size(kCount * sizeof(T))));
};
template <typename T, int kCount>
using Vector = typename VectorOf<T, kCount>::Type;

template <typename V>
HVD_INLINE V load(const std::byte* from) {
  V vector;
  __builtin_memcpy(&vector, from, sizeof(V));
  return vector;
}

template <typename V>
HVD_INLINE void store(std::byte* to, V vector) {
  __builtin_memcpy(to, &vector, sizeof(V));
}

// All lanes the same.
template <typename V, typename T>
HVD_INLINE V spread(T value) {
  return value - V{};  // a minus keeps -0
}

// `to` is aligned to kBytes, which are 16 or kVectorBytes or between.
template <int kBytes>
HVD_INLINE void stream(std::byte* to, const std::byte* from) {
#if defined(__AVX512F__)
  if constexpr (kBytes == 64) {
    return _mm512_stream_si512(reinterpret_cast<__m512i*>(to), _mm512_loadu_si512(from));
  }
#endif
#if defined(__AVX2__)
  if constexpr (kBytes == 32) {
    return _mm256_stream_si256(reinterpret_cast<__m256i*>(to),
                               _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
  }
#endif
#if defined(__SSE2__)
  if constexpr (kBytes == 16) {
    return _mm_stream_si128(reinterpret_cast<__m128i*>(to),
                            _mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
  }
#endif
  __builtin_memcpy(to, from, kBytes);
}

// Non-temporal stores are seen by others in the order of stores only after this.
HVD_INLINE void finish_streams() {
#if defined(__SSE2__)
  _mm_sfence();
#endif
}

}  // namespace hvd::HVD_KERNELS
