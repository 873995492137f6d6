// collectives/kernels/copy_loops.h: copies past the caches, casts, and sums with what came narrow
// over a wire.
// Not here: scaled copies, which are reductions of one source (reduce_loops.h).
// Threads: pure functions.  Limits: as vectors.h.
// Read next: kernels_of_set.h.
#pragma once

#include "collectives/kernels/lane_ops.h"
#include "collectives/kernels/reduce_loops.h"

namespace hvd::HVD_KERNELS {

inline void copy_stream(std::byte* dst, const std::byte* src, std::size_t bytes) {
  constexpr std::size_t block = 4 * static_cast<std::size_t>(kVectorBytes);
  const std::size_t to_line = (0 - reinterpret_cast<std::uintptr_t>(dst)) % kLineBytes;
  const std::size_t head = to_line < bytes ? to_line : bytes;
  __builtin_memcpy(dst, src, head);
  std::size_t at = head;
  for (; at + block <= bytes; at += block) {
    for (std::size_t i = 0; i < block; i += kVectorBytes) {
      stream<kVectorBytes>(dst + at + i, src + at + i);
    }
  }
  __builtin_memcpy(dst + at, src + at, bytes - at);
  finish_streams();
}

// Between Wide (fp32, fp64), as many lanes as a vector has, and the stored bits of a wire format.
template <typename Wide, typename Format>
struct WireLanes {
  static constexpr int kCount = kVectorBytes / static_cast<int>(sizeof(Wide));
  using Values = Vector<Wide, kCount>;
  using Stored = Vector<typename Format::Stored, kCount>;
  HVD_INLINE static Values widen(Stored stored) {
    if constexpr (std::is_same_v<Wide, float>) {
      return SmallFloatLanes<Format>::widen(stored);
    } else {
      return __builtin_convertvector((widened<Format, kCount>(stored)), Values);
    }
  }
  HVD_INLINE static Stored narrow(Values values) {
    if constexpr (std::is_same_v<Wide, float>) {
      return SmallFloatLanes<Format>::narrow(values);
    } else {
      return __builtin_convertvector((narrow_bits<Format, Wide, kCount>(values)), Stored);
    }
  }
};

// Vectors of From become vectors of To.
template <typename From, typename To, typename Step>
HVD_INLINE void map_loop(std::byte* dst, const std::byte* src, std::size_t count, int lanes,
                         Step step) {
  const auto lane_count = static_cast<std::size_t>(lanes);
  const std::size_t from_lane = sizeof(From) / lane_count;
  const std::size_t to_lane = sizeof(To) / lane_count;
  std::size_t i = 0;
  for (; i + lane_count <= count; i += lane_count) {
    store<To>(dst + i * to_lane, step(load<From>(src + i * from_lane)));
  }
  if (i < count) {
    std::byte from[sizeof(From)] = {};
    std::byte to[sizeof(To)];
    __builtin_memcpy(from, src + i * from_lane, (count - i) * from_lane);
    store<To>(to, step(load<From>(from)));
    __builtin_memcpy(dst + i * to_lane, to, (count - i) * to_lane);
  }
}

template <typename Wide, typename Format>
struct WireLoops {
  using Lanes = WireLanes<Wide, Format>;
  using Values = typename Lanes::Values;
  using Stored = typename Lanes::Stored;
  static constexpr std::size_t kCount = Lanes::kCount;

  // Elements i up to i + n, n <= kCount, through memory of whole vectors.
  struct Part {
    std::byte wide[sizeof(Values)] = {};
    std::byte wire[sizeof(Stored)] = {};
  };

  static void narrow(std::byte* dst, const std::byte* src, std::size_t count) {
    map_loop<Values, Stored>(dst, src, count, Lanes::kCount,
                             [](Values values) { return Lanes::narrow(values); });
  }
  static void widen(std::byte* dst, const std::byte* src, std::size_t count) {
    map_loop<Stored, Values>(dst, src, count, Lanes::kCount, [](Stored stored) {
      return one_nan<Wide, Lanes::kCount>(Lanes::widen(stored));
    });
  }
  static void round(std::byte* dst, const std::byte* src, std::size_t count) {
    map_loop<Values, Values>(dst, src, count, Lanes::kCount, [](Values values) {
      return one_nan<Wide, Lanes::kCount>(Lanes::widen(Lanes::narrow(values)));
    });
  }
  template <typename Op>
  static void reduce(std::byte* dst, const std::byte* a, const std::byte* wire, std::size_t count) {
    const auto step = [](const std::byte* left, const std::byte* right) {
      return one_nan<Wide, Lanes::kCount>(
          Op::apply(load<Values>(left), Lanes::widen(load<Stored>(right))));
    };
    constexpr std::size_t wire_bytes = sizeof(typename Format::Stored);
    std::size_t i = 0;
    for (; i + kCount <= count; i += kCount) {
      store(dst + i * sizeof(Wide), step(a + i * sizeof(Wide), wire + i * wire_bytes));
    }
    if (i < count) {
      Part part;
      __builtin_memcpy(part.wide, a + i * sizeof(Wide), (count - i) * sizeof(Wide));
      __builtin_memcpy(part.wire, wire + i * wire_bytes, (count - i) * wire_bytes);
      store(part.wide, step(part.wide, part.wire));
      __builtin_memcpy(dst + i * sizeof(Wide), part.wide, (count - i) * sizeof(Wide));
    }
  }
};

}  // namespace hvd::HVD_KERNELS
