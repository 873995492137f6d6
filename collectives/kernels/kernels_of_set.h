// collectives/kernels/kernels_of_set.h: fills the KernelTable of the including source.
// Not here: the loops.
// Threads: constants.  Limits: only for reduce_SET.cc, which sets HVD_KERNELS and the flags.
// Read next: reduce_portable.cc.
#pragma once

#include "collectives/kernels/adasum_loops.h"
#include "collectives/kernels/copy_loops.h"
#include "collectives/kernels/reduce_loops.h"

namespace hvd::HVD_KERNELS {

// Names of a row's columns, without a call of anything that is not of this namespace.
constexpr int column(ReduceOp op) { return static_cast<int>(op); }
using Row = ReduceKernel[kReduceOpCount];

constexpr void add_sums(Row& row, ReduceKernel sum) {
  row[column(ReduceOp::sum)] = sum;
  row[column(ReduceOp::average)] = sum;
  row[column(ReduceOp::premultiplied_sum)] = sum;
}

template <typename Lanes>
constexpr void fill_float(Row& row, ReduceKernel sum) {
  add_sums(row, sum);
  row[column(ReduceOp::product)] = reduce_any<Lanes, Product>;
  row[column(ReduceOp::min)] = reduce_any<Lanes, FloatMin>;
  row[column(ReduceOp::max)] = reduce_any<Lanes, FloatMax>;
}

template <typename T>
constexpr void fill_complex(Row& row) {
  add_sums(row, reduce_parts<PlainLanes<T>, Sum>);
  row[column(ReduceOp::product)] = reduce_any<PlainLanes<T>, ComplexProduct>;
}

template <typename Lanes>
constexpr void fill_logical(Row& row) {
  row[column(ReduceOp::logical_and)] = reduce_any<Lanes, Logical<BitAnd>>;
  row[column(ReduceOp::logical_or)] = reduce_any<Lanes, Logical<BitOr>>;
  row[column(ReduceOp::logical_xor)] = reduce_any<Lanes, Logical<BitXor>>;
}

// Only order depends on the sign.
template <typename T, typename Unsigned>
constexpr void fill_integer(Row& row) {
  using Lanes = PlainLanes<Unsigned>;
  add_sums(row, reduce_any<Lanes, Sum>);
  row[column(ReduceOp::product)] = reduce_any<Lanes, Product>;
  row[column(ReduceOp::min)] = reduce_any<PlainLanes<T>, IntegerMin>;
  row[column(ReduceOp::max)] = reduce_any<PlainLanes<T>, IntegerMax>;
  row[column(ReduceOp::bit_and)] = reduce_any<Lanes, BitAnd>;
  row[column(ReduceOp::bit_or)] = reduce_any<Lanes, BitOr>;
  row[column(ReduceOp::bit_xor)] = reduce_any<Lanes, BitXor>;
  fill_logical<Lanes>(row);
}

constexpr void fill_bool(Row& row) {
  using Lanes = PlainLanes<std::uint8_t>;
  fill_logical<Lanes>(row);
  for (const ReduceOp op : {ReduceOp::sum, ReduceOp::max, ReduceOp::bit_or}) {
    row[column(op)] = reduce_any<Lanes, Logical<BitOr>>;
  }
  for (const ReduceOp op : {ReduceOp::product, ReduceOp::min, ReduceOp::bit_and}) {
    row[column(op)] = reduce_any<Lanes, Logical<BitAnd>>;
  }
  row[column(ReduceOp::bit_xor)] = reduce_any<Lanes, Logical<BitXor>>;
}

template <typename Wide, typename Format>
constexpr WireKernels wire_kernels() {
  using Loops = WireLoops<Wide, Format>;
  WireKernels kernels{.narrow = Loops::narrow, .widen = Loops::widen, .round = Loops::round};
  for (const ReduceOp op : {ReduceOp::sum, ReduceOp::average, ReduceOp::premultiplied_sum}) {
    kernels.reduce[column(op)] = Loops::template reduce<Sum>;
  }
  kernels.reduce[column(ReduceOp::product)] = Loops::template reduce<Product>;
  kernels.reduce[column(ReduceOp::min)] = Loops::template reduce<FloatMin>;
  kernels.reduce[column(ReduceOp::max)] = Loops::template reduce<FloatMax>;
  return kernels;
}

template <typename Lanes>
constexpr void fill_adasum(KernelTable& table, DType dtype) {
  table.adasum_products[static_cast<int>(dtype)] = AdasumLoops<Lanes>::products;
  table.adasum_combine[static_cast<int>(dtype)] = AdasumLoops<Lanes>::combine;
}

template <typename Lanes>
constexpr void fill_one_float(KernelTable& table, DType dtype, ReduceKernel sum) {
  fill_float<Lanes>(table.reduce[static_cast<int>(dtype)], sum);
  fill_adasum<Lanes>(table, dtype);
}

constexpr void fill_floats(KernelTable& table) {
  using Half = SmallFloatLanes<Fp16>;
  using Bfloat16 = SmallFloatLanes<Bf16>;
  fill_one_float<PlainLanes<float>>(table, DType::float32, reduce_few<PlainLanes<float>, Sum>);
  fill_one_float<PlainLanes<double>>(table, DType::float64, reduce_few<PlainLanes<double>, Sum>);
  fill_one_float<Half>(table, DType::float16, reduce_few<Half, Sum>);
  fill_one_float<Bfloat16>(table, DType::bfloat16, reduce_few<Bfloat16, Sum>);
  fill_one_float<SmallFloatLanes<E4m3>>(table, DType::float8_e4m3,
                                        reduce_any<SmallFloatLanes<E4m3>, Sum>);
  fill_one_float<SmallFloatLanes<E5m2>>(table, DType::float8_e5m2,
                                        reduce_any<SmallFloatLanes<E5m2>, Sum>);
}

constexpr KernelTable make_table(InstructionSet set) {
  KernelTable table{.instruction_set = set, .copy_stream = copy_stream};
  const auto row = [&table](DType dtype) -> Row& { return table.reduce[static_cast<int>(dtype)]; };
  fill_floats(table);
  fill_complex<float>(row(DType::complex64));
  fill_complex<double>(row(DType::complex128));
  fill_integer<std::int8_t, std::uint8_t>(row(DType::int8));
  fill_integer<std::uint8_t, std::uint8_t>(row(DType::uint8));
  fill_integer<std::int16_t, std::uint16_t>(row(DType::int16));
  fill_integer<std::uint16_t, std::uint16_t>(row(DType::uint16));
  fill_integer<std::int32_t, std::uint32_t>(row(DType::int32));
  fill_integer<std::uint32_t, std::uint32_t>(row(DType::uint32));
  fill_integer<std::int64_t, std::uint64_t>(row(DType::int64));
  fill_integer<std::uint64_t, std::uint64_t>(row(DType::uint64));
  fill_bool(row(DType::boolean));
  table.wire[0][0] = wire_kernels<float, Fp16>();
  table.wire[0][1] = wire_kernels<float, Bf16>();
  table.wire[1][0] = wire_kernels<double, Fp16>();
  table.wire[1][1] = wire_kernels<double, Bf16>();
  return table;
}

}  // namespace hvd::HVD_KERNELS
