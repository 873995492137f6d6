// How fast each kernel is, in GB/s of what it reads and writes, by type, instruction set and place:
// 256 KiB vectors lie in the second cache, 32 MiB ones do not. Best of many: other work on the
// machine only makes a run slower.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <functional>
#include <vector>

#include "collectives/kernels/cast.h"
#include "collectives/kernels/copy.h"
#include "collectives/kernels/kernel_table.h"
#include "collectives/kernels/reduce_many.h"

namespace hvd {
namespace {

constexpr std::size_t kKib = 1024;

double gigabytes_per_second(std::size_t bytes_moved, const std::function<void()>& work) {
  const std::size_t repeats = std::max<std::size_t>(1, (8u << 20) / bytes_moved);
  double best = 1e9;
  for (int round = 0; round < 15; ++round) {
    const auto begin = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < repeats; ++i) {
      work();
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    best = std::min(best, took.count() / static_cast<double>(repeats));
  }
  return static_cast<double>(bytes_moved) / best / 1e9;
}

struct Vectors {
  explicit Vectors(std::size_t bytes) : bytes(bytes) {
    for (auto& memory : memories) {
      memory.assign(bytes + 64, std::byte{0x3c});
      const auto address = reinterpret_cast<std::uintptr_t>(memory.data());
      pointers.push_back(memory.data() + (0 - address) % 64);
    }
  }
  std::size_t bytes;
  std::array<std::vector<std::byte>, 6> memories;
  std::vector<std::byte*> pointers;
};

void print(const Vectors& vectors, const char* what, InstructionSet set, double speed) {
  std::printf("%6zu KiB  %-28s %-9s %7.1f GB/s\n", vectors.bytes / kKib, what,
              std::string(instruction_set_name(set)).c_str(), speed);
}

void bench_reductions(const Vectors& vectors, const KernelTable& table) {
  struct Kind {
    const char* name;
    DType dtype;
    ReduceOp op;
    std::size_t source_count;
    double postscale = 1.0;
  };
  constexpr std::array<Kind, 15> kinds = {{
      {"sum fp32 k 2", DType::float32, ReduceOp::sum, 2},
      {"sum fp32 k 2 scaled", DType::float32, ReduceOp::sum, 2, 0.5},
      {"sum fp32 k 3", DType::float32, ReduceOp::sum, 3},
      {"sum fp32 k 4", DType::float32, ReduceOp::sum, 4},
      {"max fp32 k 2", DType::float32, ReduceOp::max, 2},
      {"sum fp64 k 2", DType::float64, ReduceOp::sum, 2},
      {"sum fp16 k 2", DType::float16, ReduceOp::sum, 2},
      {"sum fp16 k 4", DType::float16, ReduceOp::sum, 4},
      {"sum bf16 k 2", DType::bfloat16, ReduceOp::sum, 2},
      {"sum bf16 k 4", DType::bfloat16, ReduceOp::sum, 4},
      {"sum e4m3 k 2", DType::float8_e4m3, ReduceOp::sum, 2},
      {"sum int32 k 2", DType::int32, ReduceOp::sum, 2},
      {"average int32 k 2", DType::int32, ReduceOp::average, 2, 0.5},
      {"product complex64 k 2", DType::complex64, ReduceOp::product, 2},
      {"sum uint8 k 2", DType::uint8, ReduceOp::sum, 2},
  }};
  for (const Kind& kind : kinds) {
    std::vector<const std::byte*> sources(
        vectors.pointers.begin() + 1,
        vectors.pointers.begin() + 1 + static_cast<std::ptrdiff_t>(kind.source_count));
    const double speed = gigabytes_per_second(vectors.bytes * (kind.source_count + 1), [&] {
      reduce_many(table, vectors.pointers[0], nullptr, sources,
                  vectors.bytes / dtype_bytes(kind.dtype), kind.dtype, kind.op,
                  {.postscale = kind.postscale});
    });
    print(vectors, kind.name, table.instruction_set, speed);
  }
}

void bench_copies(const Vectors& vectors, const KernelTable& table) {
  std::byte* to = vectors.pointers[0];
  const std::byte* from = vectors.pointers[1];
  const std::size_t floats = vectors.bytes / sizeof(float);
  const std::array<const std::byte*, 2> sources = {from, vectors.pointers[2]};
  const WireKernels& bf16 = wire_kernels(table, {.wire = DType::bfloat16});
  const WireKernels& fp16 = wire_kernels(table, {.wire = DType::float16});
  const auto line = [&](const char* what, std::size_t moved, const std::function<void()>& work) {
    print(vectors, what, table.instruction_set, gigabytes_per_second(moved, work));
  };
  const std::size_t bytes = vectors.bytes;
  line("memcpy", 2 * bytes, [&] { std::memcpy(to, from, bytes); });
  line("copy streamed", 2 * bytes, [&] { table.copy_stream(to, from, bytes); });
  line("copy fp32 scaled", 2 * bytes,
       [&] { copy_scaled(table, to, from, 0.5, floats, DType::float32, false); });
  line("sum fp32 k 2, twice streamed", 4 * bytes, [&] {
    reduce_many(table, to, vectors.pointers[3], sources, floats, DType::float32, ReduceOp::sum,
                {.stream_dst2 = true});
  });
  line("narrow fp32 to bf16", bytes * 3 / 2, [&] { bf16.narrow(to, from, floats); });
  line("narrow fp32 to fp16", bytes * 3 / 2, [&] { fp16.narrow(to, from, floats); });
  line("widen bf16 to fp32", bytes * 3 / 2, [&] { bf16.widen(to, from, floats); });
  const auto dtype = static_cast<std::size_t>(DType::float32);
  line("adasum products fp32", 2 * bytes,
       [&] { table.adasum_products[dtype](sources[0], sources[1], floats); });
  line("adasum combine fp32", 3 * bytes,
       [&] { table.adasum_combine[dtype](to, sources[0], 0.5, sources[1], 0.5, floats); });
}

void bench_all() {
  for (const std::size_t kib : {std::size_t{256}, 32 * kKib}) {
    const Vectors vectors(kib * kKib);
    for (const InstructionSet set : kInstructionSets) {
      if (instruction_set_available(set)) {
        bench_reductions(vectors, kernels_for(set));
        bench_copies(vectors, kernels_for(set));
      }
    }
  }
}

}  // namespace
}  // namespace hvd

int main() { hvd::bench_all(); }
