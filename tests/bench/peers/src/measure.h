// tests/bench/peers/src/measure.h: tensors with checkable contents, samples, and the line that
// reports them. Not here: what is timed (bench.h). Threads: one per rank.  Limits: float32 only.
// Read next: bench.h.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <new>
#include <string>
#include <vector>

#include "tests/bench/peers/src/collectives.h"

namespace peers {

// Small integers: sums over four ranks are exact in bfloat16 too, for what travels as that.
inline float pattern(int rank, std::size_t index) {
  return static_cast<float>(
      (static_cast<std::uint32_t>(index) * 7u + static_cast<std::uint32_t>(rank) * 131u) % 61u);
}

inline void fill_pattern(float* data, std::size_t count, int rank, std::size_t first = 0) {
  for (std::size_t i = 0; i < count; ++i) data[i] = pattern(rank, first + i);
}

inline bool holds_pattern(const float* data, std::size_t count, int rank, std::size_t first = 0) {
  for (std::size_t i = 0; i < count; ++i) {
    if (data[i] != pattern(rank, first + i))
      return false;
  }
  return true;
}

inline bool holds_sum(const float* data, std::size_t count, int ranks, std::size_t first = 0) {
  for (std::size_t i = 0; i < count; ++i) {
    float sum = 0;
    for (int r = 0; r < ranks; ++r) sum += pattern(r, first + i);
    if (data[i] != sum)
      return false;
  }
  return true;
}

// A tensor in the peer's own memory or in malloc'ed memory without huge page hints.
class Buffer {
 public:
  Buffer(Collectives& comm, std::size_t count) : count_(count), data_(comm.allocate(count)) {
    if (!data_) {
      const std::size_t bytes = (count * sizeof(float) + 63) / 64 * 64;
      data_ = own_ = static_cast<float*>(std::aligned_alloc(64, std::max<std::size_t>(bytes, 64)));
      if (!data_)
        throw std::bad_alloc();
    }
    clear();
  }
  ~Buffer() { std::free(own_); }
  Buffer(Buffer&& other) noexcept : count_(other.count_), data_(other.data_), own_(other.own_) {
    other.own_ = nullptr;
  }
  Buffer& operator=(Buffer&&) = delete;
  float* data() { return data_; }
  std::size_t count() const { return count_; }
  void clear() { std::memset(data_, 0, count_ * sizeof(float)); }

 private:
  std::size_t count_;
  float* data_;
  float* own_ = nullptr;
};

inline double now_us() {
  using namespace std::chrono;
  return duration<double, std::micro>(steady_clock::now().time_since_epoch()).count();
}

inline double quantile(const std::vector<double>& sorted, double q) {
  const double at = std::ceil(q * static_cast<double>(sorted.size())) - 1;
  return sorted[static_cast<std::size_t>(std::max(0.0, at))];
}

struct Timing {
  std::vector<double> samples;  // sorted; microseconds per call on the slowest rank
  int inner = 1;                // calls per sample
};

inline double max_over(Collectives& comm, double value) {
  comm.max_over_ranks(&value, 1);
  return value;
}

// Times `body(i)`. A sample is the slowest rank's mean over `inner` back-to-back calls, where
// `inner` makes a sample last about 100 us; as many samples as the budget allows.
template <class Body>
Timing measure(Collectives& comm, const Options& options, Body body) {
  double per_call = 0;
  for (int calls : {1, 4, 64}) {
    comm.barrier();
    const double start = now_us();
    for (int i = 0; i < calls; ++i) body(i);
    per_call = std::max(0.05, max_over(comm, (now_us() - start) / calls));
    if (per_call * calls > 2000)
      break;
  }
  Timing timing;
  timing.inner = static_cast<int>(std::clamp(100.0 / per_call, 1.0, 1000.0));
  const double budget_us = options.number("budget-ms", 200) * 1000;
  const double least = per_call > 5e5 ? 3 : 5;
  const double reps = std::clamp(budget_us / (per_call * timing.inner), least,
                                 std::max(least, options.number("iters", 1000)));
  timing.samples.resize(static_cast<std::size_t>(reps));
  int call = 0;
  for (double& sample : timing.samples) {
    comm.barrier();
    const double start = now_us();
    for (int i = 0; i < timing.inner; ++i) body(call++);
    sample = (now_us() - start) / timing.inner;
  }
  comm.max_over_ranks(timing.samples.data(), timing.samples.size());
  std::sort(timing.samples.begin(), timing.samples.end());
  return timing;
}

inline void report(Collectives& comm, const std::string& op, std::size_t bytes, bool checked,
                   const Timing& t, const std::string& more = "") {
  const bool everywhere = max_over(comm, checked ? 0 : 1) == 0;
  if (comm.rank() != 0)
    return;
  double sum = 0;
  for (double s : t.samples) sum += s;
  std::printf(
      "{\"op\":\"%s\",\"bytes\":%zu,\"dtype\":\"f32\",\"np\":%d,\"iters\":%zu,\"inner\":%d,"
      "\"min_us\":%.3f,\"p50_us\":%.3f,\"p99_us\":%.3f,\"mean_us\":%.3f,\"checked\":%s%s}\n",
      op.c_str(), bytes, comm.size(), t.samples.size(), t.inner, t.samples.front(),
      quantile(t.samples, 0.5), quantile(t.samples, 0.99),
      sum / static_cast<double>(t.samples.size()), everywhere ? "true" : "false", more.c_str());
  std::fflush(stdout);
}

}  // namespace peers
