// tests/bench/peers/src/bench.h: the workloads of the protocol; a peer calls run_peer() with its
// Collectives. Each runs at each size, its results are checked before and after timing, rank 0
// prints one JSON line per size. Not here: the command line, the environment and the output
// (../README.md). Threads: one per rank.  Limits: float32 only. Read next: floor_peer.cc.
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "tests/bench/peers/src/collectives.h"
#include "tests/bench/peers/src/measure.h"

namespace peers {

inline void run_collective(Collectives& comm, const std::string& op, std::size_t bytes,
                           const Options& options) {
  const int rank = comm.rank(), size = comm.size();
  const auto ranks = static_cast<std::size_t>(size);
  const std::size_t total = std::max<std::size_t>(1, bytes / sizeof(float));
  const std::size_t block = std::max<std::size_t>(1, total / ranks);
  const bool in_place = op == "allreduce" || op == "broadcast";
  const bool gathers = op == "allgather", scatters = op == "reduce_scatter";
  if (!in_place && !gathers && !scatters && op != "alltoall")
    throw Unsupported(op);
  Buffer in(comm, in_place ? total : gathers ? block : block * ranks);
  Buffer out(comm, in_place ? 0 : scatters ? block : block * ranks);

  // The root of a broadcast rotates, so that a call cannot start before the last one arrived.
  auto call = [&](int i) {
    if (op == "allreduce")
      comm.allreduce(in.data(), total);
    else if (op == "broadcast")
      comm.broadcast(in.data(), total, i % size);
    else if (gathers)
      comm.allgather(in.data(), out.data(), block);
    else if (scatters)
      comm.reduce_scatter(in.data(), out.data(), block);
    else
      comm.alltoall(in.data(), out.data(), block);
  };
  auto correct = [&] {
    fill_pattern(in.data(), in.count(), rank);
    out.clear();
    call(size - 1);
    if (op == "allreduce")
      return holds_sum(in.data(), total, size);
    if (op == "broadcast")
      return holds_pattern(in.data(), total, size - 1);
    const std::size_t mine = static_cast<std::size_t>(rank) * block;
    if (scatters)
      return holds_sum(out.data(), block, size, mine);
    for (int r = 0; r < size; ++r) {
      const float* part = out.data() + static_cast<std::size_t>(r) * block;
      if (!holds_pattern(part, block, r, gathers ? 0 : mine))
        return false;
    }
    return true;
  };

  if (op == "allreduce")
    comm.prepare({{in.data(), total}});
  bool checked = correct();
  in.clear();  // sums stay finite however often the tensor is reduced
  const Timing timing = measure(comm, options, call);
  checked = correct() && checked;
  comm.forget_buffers();
  report(comm, op, bytes, checked, timing);
}

// Small allreduces while a big one is in flight. The small payload carries the vote that ends
// the loop: each rank adds 1 once its big one is done.
inline void run_overlap(Collectives& comm, std::size_t bytes, const Options& options) {
  const auto big_bytes = static_cast<std::size_t>(options.number("big-bytes", 64 << 20));
  const std::size_t count = std::max<std::size_t>(1, bytes / sizeof(float));
  Buffer small(comm, count), big(comm, big_bytes / sizeof(float));
  auto reduce_big = [&](int) { comm.start_big(big.data(), big.count()), comm.wait_big(); };
  reduce_big(0);  // throws if unsupported
  const Timing alone = measure(comm, options, [&](int) { comm.allreduce(small.data(), count); });
  Timing big_alone = measure(comm, options, reduce_big);

  Timing during;
  std::vector<double> big_during;
  fill_pattern(big.data(), big.count(), comm.rank());
  bool checked = true;
  const std::size_t rounds = big_alone.samples.size();
  for (std::size_t round = 0; round < rounds; ++round) {
    comm.barrier();
    const double start = now_us();
    comm.start_big(big.data(), big.count());
    for (int n = 0;; ++n) {
      small.clear();
      small.data()[0] = comm.big_done() || n >= 5000 ? 1.0f : 0.0f;
      const double from = now_us();
      comm.allreduce(small.data(), count);
      during.samples.push_back(now_us() - from);
      if (small.data()[0] >= static_cast<float>(comm.size()))
        break;
    }
    comm.wait_big();
    big_during.push_back(now_us() - start);
    if (round == 0)
      checked = holds_sum(big.data(), big.count(), comm.size());
    big.clear();
  }
  comm.max_over_ranks(during.samples.data(), during.samples.size());
  comm.max_over_ranks(big_during.data(), big_during.size());
  std::sort(during.samples.begin(), during.samples.end());
  std::sort(big_during.begin(), big_during.end());
  comm.forget_buffers();
  char more[256];
  std::snprintf(more, sizeof more,
                ",\"big_bytes\":%zu,\"alone_p50_us\":%.3f,\"big_p50_us\":%.3f,"
                "\"big_alone_p50_us\":%.3f",
                big_bytes, quantile(alone.samples, 0.5), quantile(big_during, 0.5),
                quantile(big_alone.samples, 0.5));
  report(comm, "overlap", bytes, checked, during, more);
}

// Fusion by hand: consecutive tensors packed into buckets of at most `bucket_bytes`; a bucket
// of one tensor is reduced where it lies.
class Buckets {
 public:
  Buckets(Collectives& comm, const std::vector<Tensor>& tensors, std::size_t bucket_bytes)
      : comm_(comm), staging_(comm, bucket_bytes / sizeof(float)) {
    std::size_t used = 0;
    for (const Tensor& tensor : tensors) {
      if (buckets_.empty() || used + tensor.count > staging_.count()) {
        buckets_.emplace_back();
        used = 0;
      }
      buckets_.back().push_back(tensor);
      used += tensor.count;
    }
  }
  void allreduce() {
    for (const auto& bucket : buckets_) {
      if (bucket.size() == 1) {
        comm_.allreduce(bucket[0].data, bucket[0].count);
        continue;
      }
      std::size_t offset = 0;
      for (const Tensor& t : bucket) {
        std::memcpy(staging_.data() + offset, t.data, t.count * sizeof(float));
        offset += t.count;
      }
      comm_.allreduce(staging_.data(), offset);
      offset = 0;
      for (const Tensor& t : bucket) {
        std::memcpy(t.data, staging_.data() + offset, t.count * sizeof(float));
        offset += t.count;
      }
    }
  }

 private:
  Collectives& comm_;
  Buffer staging_;
  std::vector<std::vector<Tensor>> buckets_;
};

// The gradients of one training step, listed in the order in which backward produces them.
inline void run_step(Collectives& comm, const std::string& op, const Options& options) {
  std::ifstream file(options.text("tensors"));
  if (!file)
    throw std::runtime_error("cannot read " + options.text("tensors"));
  std::vector<Buffer> buffers;
  std::vector<Tensor> tensors;
  std::size_t total = 0;
  for (std::size_t count; file >> count; total += count) {
    buffers.emplace_back(comm, count);
    tensors.push_back({buffers.back().data(), count});
  }
  Buckets buckets(comm, tensors,
                  static_cast<std::size_t>(options.number("bucket-bytes", 64 << 20)));
  for (const Tensor& t : tensors) comm.prepare({t});
  comm.prepare(tensors);
  auto step = [&](int) {
    if (op == "step-fused")
      return buckets.allreduce();
    if (op == "step-list")
      return comm.allreduce_list(tensors);
    if (op != "step-each")
      throw Unsupported(op);
    for (const Tensor& t : tensors) comm.allreduce(t.data, t.count);
  };
  auto correct = [&] {
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      fill_pattern(tensors[i].data, tensors[i].count, comm.rank(), i);
    }
    step(0);
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      if (!holds_sum(tensors[i].data, tensors[i].count, comm.size(), i))
        return false;
    }
    return true;
  };
  bool checked = correct();
  for (Buffer& b : buffers) b.clear();
  const Timing timing = measure(comm, options, step);
  checked = correct() && checked;
  comm.forget_buffers();
  report(comm, op, total * sizeof(float), checked, timing);
}

inline void run_peer(Collectives& comm, const Options& options) {
  const std::string op = options.text("op", "allreduce");
  try {
    if (options.text("dtype", "f32") != "f32")
      throw Unsupported("dtype");
    if (op.rfind("step-", 0) == 0)
      return run_step(comm, op, options);
    for (std::size_t bytes : options.sizes("bytes")) {
      if (op == "overlap")
        run_overlap(comm, bytes, options);
      else
        run_collective(comm, op, bytes, options);
    }
  } catch (const Unsupported& missing) {
    if (comm.rank() == 0)
      std::printf("{\"op\":\"%s\",\"skip\":\"%s\"}\n", op.c_str(), missing.what());
  }
}

}  // namespace peers
