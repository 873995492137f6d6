#include "collectives/kernels/reduce_many.h"

#include <algorithm>
#include <array>

#include "collectives/kernels/copy.h"
#include "collectives/kernels/integer_scale.h"
#include "collectives/kernels/kernel_table.h"
#include "core/base/check.h"

namespace hvd {
namespace {

constexpr std::size_t kBlockBytes = 4096;

void write(const KernelTable& kernels, Destination to, std::size_t at, const std::byte* from,
           std::size_t bytes) {
  if (to.at != nullptr && to.stream) {
    kernels.copy_stream(to.at + at, from, bytes);
  } else if (to.at != nullptr) {
    copy(to.at + at, from, bytes);
  }
}

// Integers and booleans are scaled by plain loops; a block of them goes through the first cache.
void reduce_and_scale_blocks(const KernelTable& kernels, ReduceKernel kernel,
                             const Reduction& whole, DType dtype, double postscale) {
  alignas(64) std::array<std::byte, kBlockBytes> block;
  const std::size_t step = kBlockBytes / dtype_bytes(dtype);
  Reduction part = whole;
  part.dst = {.at = block.data()};
  part.dst2 = {};
  part.offset = 0;
  for (std::size_t i = 0; i < whole.count; i += step) {
    part.count = std::min(step, whole.count - i);
    const std::size_t bytes = part.count * dtype_bytes(dtype);
    kernel(part);
    scale_integers(block.data(), block.data(), postscale, part.count, dtype);
    write(kernels, whole.dst, part.offset, block.data(), bytes);
    write(kernels, whole.dst2, part.offset, block.data(), bytes);
    part.offset += bytes;
  }
}

}  // namespace

void reduce_many(const KernelTable& kernels, std::byte* dst, std::byte* dst2,
                 std::span<const std::byte* const> sources, std::size_t count, DType dtype,
                 ReduceOp op, const ReduceMany& options) {
  const ReduceKernel kernel =
      kernels.reduce[static_cast<std::size_t>(dtype)][static_cast<std::size_t>(op)];
  HVD_CHECK(kernel != nullptr);  // pair: reduce_supported() was asked before
  HVD_CHECK(!sources.empty());
  Reduction reduction{.dst = {.at = dst},
                      .dst2 = {.at = dst2, .stream = options.stream_dst2},
                      .sources = sources.data(),
                      .source_count = sources.size(),
                      .count = count,
                      .scaled = options.postscale != 1.0,
                      .postscale = options.postscale};
  if (reduction.scaled && !is_floating(dtype) && !is_complex(dtype)) {
    return reduce_and_scale_blocks(kernels, kernel, reduction, dtype, options.postscale);
  }
  kernel(reduction);
}

void reduce_many(std::byte* dst, std::byte* dst2, std::span<const std::byte* const> sources,
                 std::size_t count, DType dtype, ReduceOp op, const ReduceMany& options) {
  reduce_many(best_kernels(), dst, dst2, sources, count, dtype, op, options);
}

}  // namespace hvd
