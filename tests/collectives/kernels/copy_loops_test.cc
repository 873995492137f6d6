#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

#include "collectives/kernels/cast.h"
#include "collectives/kernels/half.h"
#include "core/base/random.h"
#include "tests/catch.h"
#include "tests/collectives/kernels/every_set.h"

namespace hvd {
namespace {

TEST_CASE("a streamed copy of any size, from and to any address, writes that and no more",
          "[copy_loops]") {
  std::vector<std::byte> source(1500);
  Random random(51);
  for (std::byte& byte : source) {
    byte = static_cast<std::byte>(random.next());
  }
  for (const KernelTable* table : every_set()) {
    int wrong_count = 0;
    for (std::size_t misaligned = 0; misaligned < 64; ++misaligned) {
      for (const std::size_t bytes : {0, 1, 15, 63, 64, 65, 127, 300, 1311}) {
        std::vector<std::byte> target(1600, std::byte{0x5a});
        table->copy_stream(target.data() + misaligned, source.data() + misaligned * 2, bytes);
        std::vector<std::byte> expected(1600, std::byte{0x5a});
        std::memcpy(expected.data() + misaligned, source.data() + misaligned * 2, bytes);
        wrong_count += target == expected ? 0 : 1;
      }
    }
    CHECK(wrong_count == 0);
  }
}

template <typename Wide>
std::vector<Wide> hard_values(Random& random) {
  std::vector<Wide> values = {0,
                              static_cast<Wide>(-0.0),
                              std::numeric_limits<Wide>::infinity(),
                              -std::numeric_limits<Wide>::quiet_NaN(),
                              std::numeric_limits<Wide>::denorm_min(),
                              std::numeric_limits<Wide>::max()};
  for (int i = 0; i < 4'001; ++i) {
    const auto bits = static_cast<std::uint32_t>(random.next());
    const float any = std::bit_cast<float>(i % 2 == 0 ? bits : (bits & 0xbfffe000U));
    values.push_back(std::isnan(any) ? Wide{1} : static_cast<Wide>(any));
  }
  return values;
}

std::uint16_t narrowed(DType wire, float value) {
  return wire == DType::float16 ? float_to_half<NarrowNan::canonical>(value)
                                : float_to_bfloat16<NarrowNan::canonical>(value);
}
float widened(DType wire, std::uint16_t bits) {
  return wire == DType::float16 ? half_to_float(bits) : bfloat16_to_float(bits);
}
template <typename Wide>
bool same_bits(Wide a, Wide b) {
  using Bits = std::conditional_t<sizeof(Wide) == 4, std::uint32_t, std::uint64_t>;
  return std::bit_cast<Bits>(a) == std::bit_cast<Bits>(b) || (std::isnan(a) && std::isnan(b));
}

// fp64 values here are fp32 values, so that fp32's rounding is the right one;
// lanes_test.cc has those between.
template <typename Wide>
void check_wire(const KernelTable& table, const WireCast& cast, Random& random) {
  const std::vector<Wide> values = hard_values<Wide>(random);
  const WireKernels& kernels = wire_kernels(table, cast);
  const auto* from = reinterpret_cast<const std::byte*>(values.data());
  std::vector<std::uint16_t> wire(values.size());
  std::vector<Wide> wide(values.size());
  std::vector<Wide> rounded(values.size());
  std::vector<Wide> sums(values.size());
  auto* wire_at = reinterpret_cast<std::byte*>(wire.data());
  kernels.narrow(wire_at, from, values.size());
  kernels.widen(reinterpret_cast<std::byte*>(wide.data()), wire_at, values.size());
  kernels.round(reinterpret_cast<std::byte*>(rounded.data()), from, values.size());
  const auto sum = static_cast<std::size_t>(ReduceOp::sum);
  kernels.reduce[sum](reinterpret_cast<std::byte*>(sums.data()), from, wire_at, values.size());
  int wrong_count = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint16_t bits = narrowed(cast.wire, static_cast<float>(values[i]));
    const auto back = static_cast<Wide>(widened(cast.wire, bits));
    wrong_count += wire[i] == bits ? 0 : 1;
    wrong_count += same_bits(wide[i], back) && same_bits(rounded[i], back) ? 0 : 1;
    wrong_count += same_bits(sums[i], static_cast<Wide>(values[i] + back)) ? 0 : 1;
  }
  CHECK(wrong_count == 0);
}

TEST_CASE("wires carry what one conversion at a time would give, for every instruction set",
          "[copy_loops]") {
  Random random(52);
  for (const KernelTable* table : every_set()) {
    for (const DType wire : {DType::float16, DType::bfloat16}) {
      INFO(instruction_set_name(table->instruction_set) << " " << dtype_name(wire));
      check_wire<float>(*table, {.wide = DType::float32, .wire = wire}, random);
      check_wire<double>(*table, {.wide = DType::float64, .wire = wire}, random);
    }
  }
}

}  // namespace
}  // namespace hvd
