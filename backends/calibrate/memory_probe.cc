#include "backends/calibrate/memory_probe.h"

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include "backends/calibrate/steady.h"
#include "collectives/kernels/copy.h"
#include "collectives/kernels/reduce_many.h"

namespace hvd {
namespace {

// More than that finds no lesser time where the machine is quiet.
constexpr int kRoundsMost = 5;
constexpr std::size_t kCachedBytes = std::size_t{64}
                                     << 10;  // of the pieces that stay in the caches

void time_it(const Clock& clock, const std::function<void()>& work, std::vector<Nanos>& times) {
  const Time start = clock.now();
  work();
  times.push_back(std::max<Nanos>(clock.now() - start, 1));
}

// In every round, so that no disturbance makes it greater than it is.
double least_gain(const std::vector<Nanos>& copies, const std::vector<Nanos>& streams) {
  double gain = std::numeric_limits<double>::max();
  for (std::size_t round = 0; round < copies.size(); ++round) {
    gain = std::min(gain, static_cast<double>(copies[round]) / static_cast<double>(streams[round]));
  }
  return gain;
}

}  // namespace

Measurements measure_memory(const Clock& clock, Nanos budget, const MemoryWork& work) {
  const Time end = clock.now() + budget;
  std::vector<Nanos> copies;
  std::vector<Nanos> streams;
  std::vector<Nanos> reductions;
  // What comes first touches the memory and wakes the core.
  work.copy();
  work.reduce();
  for (int round = 0; round < kRoundsMost && clock.now() < end; ++round) {
    time_it(clock, work.copy, copies);
    time_it(clock, work.copy_stream, streams);
    time_it(clock, work.reduce, reductions);
  }
  const Nanos stream = steady_least(streams);
  const Nanos reduce = steady_least(reductions);
  if (stream == 0 || reduce == 0) {
    return {};
  }
  const auto rate = [](double vectors, Nanos time) {
    return vectors * static_cast<double>(kMemoryProbeBytes) / seconds_from_nanos(time);
  };
  // A copy reads and writes each byte, a reduction reads two for each that it writes.
  return plausible({.core_cached_bytes_per_second = rate(3, reduce),
                    .core_memory_bytes_per_second = rate(2, stream),
                    .stream_gain = least_gain(copies, streams)});
}

Measurements measure_memory(const Clock& clock, Nanos budget) {
  std::vector<std::byte> from(kMemoryProbeBytes);
  std::vector<std::byte> to(kMemoryProbeBytes);
  return measure_memory(
      clock, budget,
      {.copy = [&] { hvd::copy(to.data(), from.data(), kMemoryProbeBytes); },
       .copy_stream = [&] { copy_stream(to.data(), from.data(), kMemoryProbeBytes); },
       .reduce =
           [&] {
             const std::array<const std::byte*, 2> sources = {to.data(), from.data()};
             for (std::size_t done = 0; done < kMemoryProbeBytes; done += kCachedBytes) {
               reduce_many(to.data(), nullptr, sources, kCachedBytes / sizeof(float),
                           DType::float32, ReduceOp::sum);
             }
           }});
}

}  // namespace hvd
