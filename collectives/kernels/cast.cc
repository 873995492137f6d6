#include "collectives/kernels/cast.h"

#include "collectives/kernels/kernel_table.h"
#include "core/base/check.h"

namespace hvd {

bool wire_cast_supported(const WireCast& cast) {
  return (cast.wide == DType::float32 || cast.wide == DType::float64) &&
         (cast.wire == DType::float16 || cast.wire == DType::bfloat16);
}

const WireKernels& wire_kernels(const KernelTable& kernels, const WireCast& cast) {
  HVD_CHECK(wire_cast_supported(cast));
  return kernels.wire[cast.wide == DType::float32 ? 0 : 1][cast.wire == DType::float16 ? 0 : 1];
}

void narrow(std::byte* dst, const std::byte* src, std::size_t count, const WireCast& cast) {
  wire_kernels(best_kernels(), cast).narrow(dst, src, count);
}

void widen(std::byte* dst, const std::byte* src, std::size_t count, const WireCast& cast) {
  wire_kernels(best_kernels(), cast).widen(dst, src, count);
}

void narrow_round(std::byte* dst, const std::byte* src, std::size_t count, const WireCast& cast) {
  wire_kernels(best_kernels(), cast).round(dst, src, count);
}

void narrow_reduce(std::byte* dst, const std::byte* a, const std::byte* wire, std::size_t count,
                   const WireCast& cast, ReduceOp op) {
  const WireReduceKernel kernel =
      wire_kernels(best_kernels(), cast).reduce[static_cast<std::size_t>(op)];
  HVD_CHECK(kernel != nullptr);  // pair: reduce_supported() was asked before
  kernel(dst, a, wire, count);
}

}  // namespace hvd
