// collectives/kernels/reduce_loops.h: the loop of every reduction: one pass, intermediates in
// registers.
// Not here: which loop for which type (kernels_of_set.h).
// Threads: pure functions.  Limits: dst may be a source; dst2 overlaps nothing.
// Read next: kernels_of_set.h.
#pragma once

#include "collectives/kernels/kernel_table.h"
#include "collectives/kernels/lane_ops.h"

namespace hvd::HVD_KERNELS {

inline constexpr std::size_t kLineBytes = 64;
// Below this much, stores that cross lines cost less than aligning them.
inline constexpr std::size_t kAlignBytesLeast = 2048;

// kSources is the number of sources, or 0: only known when it runs.
template <typename Lanes, typename Op, int kSources>
struct ReduceLoop {
  using Stored = typename Lanes::Stored;
  using Values = typename Lanes::Values;
  static constexpr int kUnroll = 4;
  static constexpr std::size_t kBlockBytes = kUnroll * sizeof(Stored);
  static constexpr int kStreamBytes = kBlockBytes < static_cast<std::size_t>(kVectorBytes)
                                          ? static_cast<int>(kBlockBytes)
                                          : kVectorBytes;

  // A copy: nothing that is written through a byte pointer can change it.
  const std::byte* from[kSources == 0 ? 1 : kSources];
  const std::byte* const* sources;
  std::size_t source_count;
  std::size_t offset;
  Destination dst;
  Destination dst2;
  bool scaled;
  typename Lanes::Value postscale;

  HVD_INLINE const std::byte* source(std::size_t s) const {
    return kSources == 0 ? sources[s] + offset : from[s];
  }
  HVD_INLINE std::size_t count_of_sources() const {
    return kSources == 0 ? source_count : static_cast<std::size_t>(kSources);
  }

  HVD_INLINE Stored finished(Values values) const {
    if constexpr (std::is_floating_point_v<typename Lanes::Value>) {
      if (scaled) {
        values = Lanes::settled(values) * postscale;
      }
    }
    return Lanes::narrow(values);
  }

  // The last elements, or the first up to a line of the destination: through memory of a whole
  // vector. All is read before anything is written.
  void some(std::size_t at, std::size_t bytes) const {
    alignas(kLineBytes) std::byte part[sizeof(Stored)] = {};
    __builtin_memcpy(part, source(0) + at, bytes);
    Values values = Op::first(Lanes::widen(load<Stored>(part)));
    for (std::size_t s = 1; s < count_of_sources(); ++s) {
      __builtin_memcpy(part, source(s) + at, bytes);
      values = Op::apply(values, Lanes::widen(load<Stored>(part)));
    }
    store(part, finished(values));
    __builtin_memcpy(dst.at + at, part, bytes);
    if (dst2.at != nullptr) {
      __builtin_memcpy(dst2.at + at, part, bytes);
    }
  }
  void several(std::size_t at, std::size_t end) const {
    for (; at < end; at += sizeof(Stored)) {
      some(at, end - at < sizeof(Stored) ? end - at : sizeof(Stored));
    }
  }

  HVD_INLINE static void write(Destination to, std::size_t at, const Stored (&results)[kUnroll]) {
    if (!to.stream) {
      for (int u = 0; u < kUnroll; ++u) {
        store(to.at + at + static_cast<std::size_t>(u) * sizeof(Stored), results[u]);
      }
      return;
    }
    alignas(kLineBytes) std::byte block[kBlockBytes];
    __builtin_memcpy(block, results, kBlockBytes);
    for (std::size_t i = 0; i < kBlockBytes; i += kStreamBytes) {
      stream<kStreamBytes>(to.at + at + i, block + i);
    }
  }

  HVD_INLINE void block(std::size_t at) const {
    Values values[kUnroll];
    for (int u = 0; u < kUnroll; ++u) {
      values[u] = Op::first(Lanes::widen(
          load<Stored>(source(0) + at + static_cast<std::size_t>(u) * sizeof(Stored))));
    }
    for (std::size_t s = 1; s < count_of_sources(); ++s) {
      const std::byte* next = source(s) + at;
      for (int u = 0; u < kUnroll; ++u) {
        values[u] = Op::apply(
            values[u],
            Lanes::widen(load<Stored>(next + static_cast<std::size_t>(u) * sizeof(Stored))));
      }
    }
    Stored results[kUnroll];
    for (int u = 0; u < kUnroll; ++u) {
      results[u] = finished(values[u]);
    }
    write(dst, at, results);
    if (dst2.at != nullptr) {
      write(dst2, at, results);
    }
  }

  // Bytes up to the next line of `to`, if whole elements lead there; else kLineBytes.
  static std::size_t bytes_to_line(const std::byte* to) {
    constexpr std::size_t unit = Lanes::kElementBytes * Op::kGroup;
    const std::size_t bytes = (0 - reinterpret_cast<std::uintptr_t>(to)) % kLineBytes;
    return bytes % unit == 0 ? bytes : kLineBytes;
  }

  void run(std::size_t bytes) {
    std::size_t at = 0;
    const bool streams = dst.stream || (dst2.at != nullptr && dst2.stream);
    if (streams || bytes >= kAlignBytesLeast) {
      const bool second = dst2.at != nullptr && dst2.stream;
      const std::size_t to_line = bytes_to_line(second ? dst2.at : dst.at);
      if (to_line < kLineBytes && to_line <= bytes) {
        several(0, to_line);
        at = to_line;
      }
    }
    const auto aligned = [at](const std::byte* to) {
      return (reinterpret_cast<std::uintptr_t>(to) + at) % kLineBytes == 0;  // `to` may be null
    };
    dst.stream = dst.stream && aligned(dst.at);
    dst2.stream = dst2.stream && aligned(dst2.at);
    for (; at + kBlockBytes <= bytes; at += kBlockBytes) {
      block(at);
    }
    several(at, bytes);
    if (streams) {
      finish_streams();
    }
  }
};

template <typename Lanes, typename Op, int kSources>
void reduce_as(const Reduction& reduction, std::size_t count) {
  ReduceLoop<Lanes, Op, kSources> loop{.from = {},
                                       .sources = reduction.sources,
                                       .source_count = reduction.source_count,
                                       .offset = reduction.offset,
                                       .dst = reduction.dst,
                                       .dst2 = reduction.dst2,
                                       .scaled = reduction.scaled,
                                       .postscale = {}};
  for (int s = 0; s < kSources; ++s) {
    loop.from[s] = reduction.sources[s] + reduction.offset;
  }
  if constexpr (std::is_floating_point_v<typename Lanes::Value>) {
    loop.postscale = static_cast<typename Lanes::Value>(reduction.postscale);
  }
  loop.run(count * Lanes::kElementBytes);
}

template <typename Lanes, typename Op>
void reduce_any(const Reduction& reduction) {
  reduce_as<Lanes, Op, 0>(reduction, reduction.count * Op::kGroup);
}

// Complex numbers whose parts do not meet.
template <typename Lanes, typename Op>
void reduce_parts(const Reduction& reduction) {
  reduce_as<Lanes, Op, 0>(reduction, reduction.count * 2);
}

// With loops of their own for the usual numbers of sources.
template <typename Lanes, typename Op>
void reduce_few(const Reduction& reduction) {
  switch (reduction.source_count) {
    case 2:
      return reduce_as<Lanes, Op, 2>(reduction, reduction.count);
    case 3:
      return reduce_as<Lanes, Op, 3>(reduction, reduction.count);
    case 4:
      return reduce_as<Lanes, Op, 4>(reduction, reduction.count);
    default:
      return reduce_as<Lanes, Op, 0>(reduction, reduction.count);
  }
}

}  // namespace hvd::HVD_KERNELS
