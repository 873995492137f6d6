#include "collectives/kernels/copy.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "collectives/kernels/integer_scale.h"
#include "collectives/kernels/kernel_table.h"

namespace hvd {
namespace {

constexpr std::size_t kBlockBytes = 4096;

void stream_scaled_integers(const KernelTable& kernels, std::byte* dst, const std::byte* src,
                            double factor, std::size_t count, DType dtype) {
  alignas(64) std::array<std::byte, kBlockBytes> block;
  const std::size_t step = kBlockBytes / dtype_bytes(dtype);
  for (std::size_t i = 0; i < count; i += step) {
    const std::size_t part = std::min(step, count - i);
    const std::size_t at = i * dtype_bytes(dtype);
    scale_integers(block.data(), src + at, factor, part, dtype);
    kernels.copy_stream(dst + at, block.data(), part * dtype_bytes(dtype));
  }
}

}  // namespace

void copy(std::byte* dst, const std::byte* src, std::size_t bytes) {
  if (bytes != 0) {  // else a pointer may be null, which memcpy does not take
    std::memcpy(dst, src, bytes);
  }
}

void copy_stream(std::byte* dst, const std::byte* src, std::size_t bytes) {
  best_kernels().copy_stream(dst, src, bytes);
}

void copy_scaled(const KernelTable& kernels, std::byte* dst, const std::byte* src, double factor,
                 std::size_t count, DType dtype, bool stream) {
  if (is_floating(dtype) || is_complex(dtype)) {
    // The sum of one source, with a postscale.
    const ReduceKernel kernel =
        kernels.reduce[static_cast<std::size_t>(dtype)][static_cast<std::size_t>(ReduceOp::sum)];
    return kernel({.dst = {.at = dst, .stream = stream},
                   .dst2 = {},
                   .sources = &src,
                   .source_count = 1,
                   .count = count,
                   .scaled = true,
                   .postscale = factor});
  }
  if (stream) {
    return stream_scaled_integers(kernels, dst, src, factor, count, dtype);
  }
  scale_integers(dst, src, factor, count, dtype);
}

void copy_scaled(std::byte* dst, const std::byte* src, double factor, std::size_t count,
                 DType dtype, bool stream) {
  copy_scaled(best_kernels(), dst, src, factor, count, dtype, stream);
}

}  // namespace hvd
